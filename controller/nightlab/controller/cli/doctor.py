"""`nightlab doctor`: say whether this machine can run a night."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from nightlab.controller.cli.output import FAILED, JsonFlag, answering, print_json, print_rich


def doctor(
    repo: Annotated[Path, typer.Argument(help="A repo, to check its config too.")] = Path(),
    as_json: JsonFlag = False,
) -> None:
    """Check engine, isolation, disk, memory, GPUs, versions and the repo's config, each with its remedy.

    Examples:
      nightlab doctor
      nightlab doctor ../my-repo --json
    """
    from nightlab.controller.host.checkup import Level, examine
    from nightlab.controller.report.checks import check_table

    with answering(as_json):
        findings = asyncio.run(examine(repo))
        if as_json:
            print_json(findings)
        else:
            print_rich(check_table(findings))
    raise typer.Exit(FAILED if any(f.level is Level.FAIL for f in findings) else 0)
