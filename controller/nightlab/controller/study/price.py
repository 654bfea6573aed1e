"""Prices a night before it is spent: one baseline runs for real, the rest is multiplied."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.errors import StudyStopped
from nightlab.controller.model.score import Verdict
from nightlab.controller.report.progress import Progress
from nightlab.controller.study.night import Stop
from nightlab.controller.study.open import sitting
from nightlab.controller.study.scribe import unix_ms

WINNERS_SHARE: Final = 0.12  # of search trials that earn confirmation runs; 11.9 % of 2,224 public trials were kept


@dataclass(frozen=True, slots=True)
class Price:
    """What a night would take.

    Attributes:
        trial_s: Container time of one trial, as the baseline took it.
        slots: Trials at a time.
        baselines: Runs for the noise floor.
        trials: Search trials that fit in the budget.
        confirmations: Expected runs on fresh seeds.
        wall_s: Expected wall time of the whole.
        peak_memory_bytes: Of one trial; None if it could not be seen.
        parameters: Tunable literals that the search would move.
        base_value: The first objective's value of the baseline.
        objective: Its name.
    """

    trial_s: float
    slots: int
    baselines: int
    trials: int
    confirmations: int
    wall_s: float
    peak_memory_bytes: int | None
    parameters: int
    base_value: float | None
    objective: str

    def lines(self) -> Iterator[str]:
        """Write it for a person."""
        memory = "unknown" if self.peak_memory_bytes is None else show_bytes(self.peak_memory_bytes)
        yield f"baseline: {self.objective} = {self.base_value}, {show_seconds(self.trial_s)}, peak memory {memory}"
        yield f"search space: {self.parameters} tunable parameters"
        yield (
            f"the night: {self.baselines} baselines + {self.trials} trials + about {self.confirmations} confirmations, "
            f"{self.slots} at a time"
        )
        yield f"expected wall time: {show_seconds(self.wall_s)}"


async def price_night(repo: Path, config: Config, *, progress: Progress, stop: Stop) -> Price:
    """Run one baseline and multiply.

    Raises:
        StudyStopped: The baseline did not run to a score.
    """
    update = {
        "budget": config.budget.model_copy(update={"trials": 0}),
        "noise": config.noise.model_copy(update={"repeats": 1}),
    }
    async with sitting(repo, config.model_copy(update=update), resume=None, progress=progress, stop=stop) as made:
        await made.night.run()
        made.scribe.store.update_study(
            made.scribe.study_id, state="stopped", stop_reason="a dry run", ended_unix_ms=unix_ms()
        )
        view = made.views.study(made.scribe.study_id, with_details=False)
        parameters = sum(len(o.schema["properties"]) for o in made.offered if o.sampleable)
    trial = next((t for t in view.trials if t.verdict is Verdict.BASELINE), None)
    if trial is None:
        raise StudyStopped(f"the baseline did not run: {view.trials[-1].reason if view.trials else 'stopped'}")
    score = trial.score(view.first.name)
    return _price(config, trial.wall_s, view.slots, trial.peak_memory_bytes, parameters, score.value if score else None)


def _price(config: Config, trial_s: float, slots: int, peak: int | None, parameters: int, value: float | None) -> Price:
    per_trial = 1 + WINNERS_SHARE * 2 * config.noise.confirm
    room = (config.budget.wall_time * slots / max(trial_s, 1e-9) - config.noise.repeats) / per_trial
    trials = max(0, min(config.budget.trials, math.floor(room)))
    confirmations = math.ceil(trials * WINNERS_SHARE) * 2 * config.noise.confirm
    runs = config.noise.repeats + trials + confirmations
    return Price(
        trial_s=trial_s,
        slots=slots,
        baselines=config.noise.repeats,
        trials=trials,
        confirmations=confirmations,
        wall_s=math.ceil(runs / slots) * trial_s,
        peak_memory_bytes=peak,
        parameters=parameters,
        base_value=value,
        objective=config.objectives[0].name,
    )
