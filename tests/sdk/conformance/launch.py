"""Serves one of the plugins of this directory: `launch.py NAME`. Only PATH and the socket are in the environment."""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def main() -> None:
    sys.path[:0] = [str(ROOT), *(str(ROOT / part) for part in ("proto", "plugins"))]
    module, _, name = sys.argv[1].partition(":")
    getattr(importlib.import_module(f"tests.sdk.conformance.{module}"), name).main()


if __name__ == "__main__":
    main()
