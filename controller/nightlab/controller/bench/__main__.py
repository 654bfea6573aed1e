"""`python -m nightlab.controller.bench`: run the cases and print one table. Exit code 0 unless something breaks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, print_rich, say

if TYPE_CHECKING:
    from nightlab.controller.bench.stand import Stand
    from nightlab.controller.bench.table import Row

NAMES: Final = (
    *("spawn", "round-trip", "after-idle", "in", "out", "output", "supervisor", "overhead", "kills", "crowd"),
    *("plugin-start", "plugin-call", "worker-call", "proposal"),
)


def bench(
    only: Annotated[list[str] | None, typer.Option("--only", help=f"One of: {', '.join(NAMES)}.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure what nightlab adds to bare Docker, interleaved with it; medians with the smallest and the largest.

    Examples:
      python -m nightlab.controller.bench
      python -m nightlab.controller.bench --only spawn --only overhead
    """
    wanted = only or NAMES
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(NAMES)}", param_hint="--only")
    with answering(as_json):
        rows, machine = asyncio.run(_measure([name for name in NAMES if name in wanted]))
        if as_json:
            print_json({"machine": machine, "rows": [row.as_json() for row in rows]})
        else:
            _show(rows, machine)


async def _measure(names: list[str]) -> tuple[list[Row], str]:
    from nightlab.controller.bench.stand import open_stand

    rows = []
    async with open_stand(say) as stand:
        cases = _cases()
        for name in names:
            say(f"measuring {name}")
            rows.append(await cases[name](stand))
        facts = stand.engine.facts
        hardware = f"{facts.cpus} cores, {facts.memory_bytes / 2**30:.0f} GiB"
        software = f"{facts.operating_system}, {facts.name} {facts.version}, cgroup v{facts.cgroup_version}"
        machine = f"{hardware}, {software}; load {os.getloadavg()[0]:.1f} at the end"
    return rows, machine


def _cases() -> dict[str, Callable[[Stand], Awaitable[Row]]]:
    from nightlab.controller.bench import kills, latency, plugins, proposing, trials, volume

    return {
        "spawn": latency.first_result,
        "round-trip": latency.back_to_back,
        "after-idle": latency.after_idle,
        "in": volume.bytes_in,
        "out": volume.bytes_out,
        "output": volume.output,
        "supervisor": trials.supervisor,
        "overhead": trials.overhead,
        "kills": kills.kills,
        "crowd": trials.crowd,
        "plugin-start": plugins.start,
        "plugin-call": plugins.call_contained,
        "worker-call": plugins.call_in_worker,
        "proposal": proposing.proposal,
    }


def _show(rows: list[Row], machine: str) -> None:
    from nightlab.controller.bench.table import table

    print_rich(table(rows))
    for row in rows:
        if row.note:
            print_rich(f"{row.what}: {row.note}")
    print_rich(machine)


if __name__ == "__main__":
    typer.run(bench)
