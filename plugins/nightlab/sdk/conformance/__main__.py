"""`python -m nightlab.sdk.conformance [OPTIONS] -- COMMAND...`: the kit without the rest of nightlab."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nightlab.sdk.conformance.budget import Budget
from nightlab.sdk.conformance.command import CommandTarget
from nightlab.sdk.conformance.order import BadOrder, Order, run
from nightlab.sdk.conformance.table import VERSIONS


def main() -> int:
    """Check the command that the arguments name; 0 passed, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m nightlab.sdk.conformance", description=__doc__)
    parser.add_argument("--workspace", type=Path, help="a directory to ask the actions about")
    parser.add_argument("--requirements", default=VERSIONS[-1], help="version of the protocol")
    parser.add_argument("--expected-failures", type=Path, help="a file with a name of a check in each line")
    parser.add_argument("--repeat", type=int, default=10, help="how often the same call must have the same answer")
    parser.add_argument("--only", action="append", default=[], help="a check; may be given again")
    parser.add_argument("command", nargs="+", help="what starts the plugin, after --")
    given = parser.parse_args()
    order = Order(
        given.workspace, given.requirements, given.expected_failures, given.only, Budget(repeat=max(given.repeat, 1))
    )
    try:
        return run(order, CommandTarget(given.command), _write)
    except BadOrder as error:
        parser.error(str(error))


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
