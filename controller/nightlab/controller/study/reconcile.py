"""Compares what the store expects with what the engine has, when a night begins again after a crash or a stop.

An attempt that was launched and whose container still runs is taken over. Any other open attempt is closed as lost and
its trial runs again. What belongs to no open attempt is removed.
"""

from __future__ import annotations

from typing import Final

import structlog

from nightlab.controller.engine import Engine, Leftovers
from nightlab.controller.model.trial import Phase
from nightlab.controller.store import AttemptRecord
from nightlab.controller.study.runner import lost
from nightlab.controller.study.scribe import Scribe

log: Final = structlog.get_logger()
LAUNCHED: Final = (Phase.RUNNING, Phase.COLLECTING)


async def reconcile(scribe: Scribe, engine: Engine) -> tuple[AttemptRecord, ...]:
    """Return the attempts to take over, after everything else was closed and removed.

    The seed and data volumes stay if the site is known; half-filled ones of an unfinished preparation go.
    """
    running = {c.name for c in await engine.list(scribe.study_id) if (await engine.state(c)).is_running}
    adopted = []
    for attempt in scribe.store.attempts(scribe.study_id):
        if attempt.ended_unix_ms is not None:
            continue
        if attempt.phase in LAUNCHED and attempt.container in running:
            adopted.append(attempt)
        else:
            log.warning("attempt.abandoned", number=attempt.number, attempt=attempt.attempt, phase=attempt.phase.value)
            scribe.end_attempt(attempt, lost("the controller ended while it ran", attempt.log_path))
    shared = ("seed", "data") if scribe.study().site is not None else ()
    await _sweep(scribe.study_id, engine, shared, tuple(attempt.container for attempt in adopted))
    return tuple(adopted)


async def sweep_study(study_id: str, engine: Engine) -> tuple[str, ...]:
    """Remove everything of a study from the engine and the machine; return what could not be."""
    return await engine.remove_leftovers(await engine.leftovers(study_id))


async def _sweep(study_id: str, engine: Engine, shared: tuple[str, ...], adopted: tuple[str, ...]) -> None:
    found = await engine.leftovers(study_id)
    kept = (*(f"nightlab-{study_id}-{what}" for what in shared), *adopted, *(f"{name}-ws" for name in adopted))
    orphans = Leftovers(
        tuple(c for c in found.containers if c.name not in kept),
        tuple(v for v in found.volumes if v.startswith("nightlab-") and v not in kept),
        tuple(p for p in found.images if p.stem not in kept),
        tuple(d for d in found.link_dirs if d.stem not in kept),
    )
    for problem in await engine.remove_leftovers(orphans):
        log.warning("leftover.kept", what=problem)
