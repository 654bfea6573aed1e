"""`python -m nightlab.controller.bench.gate`: run a corpus through the gate; exit code 1 when a bar is missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import structlog
import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, say

if TYPE_CHECKING:
    from nightlab.controller.bench.gate.checks import Check

CORPUS: Final = Path("tests/lint-corpus")
WHEELS: Final = Path("examples/tinygpt/wheels")
EXAMPLE: Final = Path("examples/tinygpt")
SHAPES: Final = Path("tests/shapes")
MISSED: Final = 1


def bench_gate(
    corpus: Annotated[Path, typer.Option(help="A folder with a folder a case.")] = CORPUS,
    only: Annotated[str, typer.Option(help="Part of a case's name.")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Cases at a time.")] = 2,
    wheels: Annotated[Path, typer.Option(help="Folder with the wheels of torch and numpy.")] = WHEELS,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="A line a check.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run every case of a corpus through the gate in real sandboxes, and say what was caught, missed and attributed.

    Examples:
      python -m nightlab.controller.bench.gate
      python -m nightlab.controller.bench.gate --corpus my-cases --only import -v
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with answering(as_json):
        checks = asyncio.run(_measure(corpus, only, jobs, wheels, verbose))
        missed = report(checks, as_json)
    if missed:
        raise typer.Exit(MISSED)


def report(checks: list[Check], as_json: bool) -> bool:
    """Print what was measured; return whether a bar was missed."""
    from nightlab.controller.bench.gate.checks import summarize
    from nightlab.controller.bench.gate.show import as_json as written
    from nightlab.controller.bench.gate.show import line, misses, table

    summaries = summarize(checks)
    missed = misses(summaries)
    if as_json:
        print_json(written(checks, summaries))
    else:
        bad = [line(check) for check in checks if check.is_kept is False]
        typer.echo("\n".join([*bad, table(summaries), *missed]))
    return bool(missed)


async def _measure(corpus: Path, only: str, jobs: int, wheels: Path, verbose: bool) -> list[Check]:
    from nightlab.controller.bench.gate.cases import read_corpus
    from nightlab.controller.bench.gate.real import open_gate
    from nightlab.controller.bench.gate.suite import plan, run

    cases = read_corpus(corpus, only)
    async with open_gate(wheels, say) as gate:
        return await run(plan(gate, cases, _roots(), only), jobs, _telling(verbose))


def _telling(verbose: bool) -> Callable[[tuple[Check, ...]], None]:
    from nightlab.controller.bench.gate.show import line

    def tell(checks: tuple[Check, ...]) -> None:
        for check in checks if verbose else ():
            typer.echo(line(check), err=True)

    return tell


def _roots() -> tuple[Path, ...]:
    return (EXAMPLE, *sorted(path.parent / "repo" for path in SHAPES.glob("*/shape.toml")))


if __name__ == "__main__":
    typer.run(bench_gate)
