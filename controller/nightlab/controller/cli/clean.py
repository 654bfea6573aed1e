"""`nightlab clean`: remove what studies left on the engine, and on request their records."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from nightlab.controller.cli.output import FAILED, JsonFlag, answering, print_json, say
from nightlab.controller.cli.target import HERE, RepoOption
from nightlab.controller.errors import StoreError
from nightlab.controller.store.database import Lock
from nightlab.controller.store.state_dir import StateDir, remove_tree


def clean(
    records: Annotated[bool, typer.Option("--records", help="Also remove all studies, logs and reports.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    repo: RepoOption = HERE,
    as_json: JsonFlag = False,
) -> None:
    """Remove every container, volume and image of the repo's studies. Records stay unless asked for.

    Examples:
      nightlab clean --dry-run
      nightlab clean --records
    """
    with answering(as_json):
        state = StateDir.of_repo(repo)
        if not state.root.is_dir():
            raise StoreError(f"{repo.resolve()} has no studies; there is nothing to clean")
        state.require_ours()
        lock = Lock(state.root)
        try:
            found, problems = asyncio.run(_sweep(state.root, dry_run))
            gone = [*found, *([str(state.root)] if records else [])]
            if records and not dry_run:
                remove_tree(state.root)
        finally:
            lock.release()
        _tell(gone, problems, dry_run, as_json)
    raise typer.Exit(FAILED if problems else 0)


async def _sweep(root: Path, dry_run: bool) -> tuple[list[str], tuple[str, ...]]:
    from nightlab.controller.engine import Engine

    engine = await Engine.open(root)
    try:
        leftovers = await engine.leftovers(with_images=True)
        if dry_run:
            return list(leftovers.lines()), ()
        return list(leftovers.lines()), await engine.remove_leftovers(leftovers)
    finally:
        await engine.close()


def _tell(gone: list[str], problems: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"removed": [] if dry_run else gone, "would_remove": gone if dry_run else [], "problems": problems})
        return
    for line in gone:
        say(f"{'would remove' if dry_run else 'removed'} {line}")
    for line in problems:
        say(f"could not remove {line}")
    if not gone:
        say("nothing to remove")
