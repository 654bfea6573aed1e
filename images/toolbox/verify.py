"""Proves, from inside a container, that the mounted toolbox is the one that was built.

A volume is filled by the engine; one that was interrupted is left half full under its final name, and this finds it.
"""

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent


def main() -> int:
    """Print the first differences; 0 if there are none."""
    manifest = json.loads((ROOT / "manifest.json").read_bytes())
    wrong = [name for name, expected in manifest.items() if not holds(ROOT / name, expected)]
    print("\n".join(wrong[:5]))  # noqa: T201
    return 1 if wrong else 0


def holds(path: Path, sha256: str) -> bool:
    """Whether a file has the content that was written down."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
