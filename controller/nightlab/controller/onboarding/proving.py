"""Proves by runs that a seed is honoured: another seed gives other numbers."""

from __future__ import annotations

import asyncio
from typing import Final

from nightlab.controller.config.schema import Config, Seed
from nightlab.controller.config.units import show_seconds
from nightlab.controller.model.site import Site
from nightlab.controller.model.trial import Ending
from nightlab.controller.onboarding.bench import Sample, Workbench
from nightlab.controller.onboarding.findings import SeedFound
from nightlab.controller.onboarding.metric import numbers_in
from nightlab.controller.onboarding.result_files import file_metrics
from nightlab.controller.onboarding.seed import SeedOption
from nightlab.controller.report.progress import Progress
from nightlab.controller.text import inert

MOST_TRIED: Final = 4
OTHER_SEEDS: Final = 3  # a score of few digits can be the same on two seeds
LONG_RUN_S: Final = 900.0


async def prove_seed(
    bench: Workbench,
    config: Config,
    site: Site,
    options: list[SeedOption],
    sample: Sample,
    progress: Progress,
    stop: asyncio.Event,
) -> SeedFound:
    """Return the first way to set the seed that changes what the run prints.

    Args:
        bench: Runs it.
        config: With the limits that trials will have.
        site: Of the image.
        options: What to try, in order.
        sample: The run without a seed of ours.
        progress: Who is told.
        stop: Ends a run.
    """
    if not options:
        return SeedFound(None, "no seed was found: without one the noise floor is unknown and nothing can be kept")
    if sample.outcome.usage.train_s > LONG_RUN_S:
        took = show_seconds(sample.outcome.usage.train_s)
        return SeedFound(options[0], f"{options[0].reason}; not proven, because a run takes {took}")
    failures = []
    for option in options[:MOST_TRIED]:
        seeded = config.model_copy(update={"noise": config.noise.model_copy(update={"seed": option.seed})})
        progress.note(f"trying seed: {shown(option.seed)}")
        first = await bench.sample(seeded, site, option.seed.base, stop)
        for step in range(1, OTHER_SEEDS + 1):
            other = await bench.sample(seeded, site, option.seed.base + step, stop) if _ran(first) else first
            if not _ran(other):
                failures.append(f"{shown(option.seed)} (the run failed: {inert(other.outcome.reason, 160)})")
                break
            if _numbers(first) != _numbers(other):
                return SeedFound(option, f"{option.reason}; {_proof(option, sample, first, step)}")
        else:
            failures.append(f"{shown(option.seed)} ({OTHER_SEEDS} other values changed nothing)")
    return SeedFound(
        None, f"no seed works, so the noise floor is unknown and nothing can be kept; tried {', '.join(failures)}"
    )


def shown(seed: Seed) -> str:
    """Write a way to set the seed for a person."""
    return {"argument": seed.name, "variable": f"${seed.name}", "literal": seed.name, "none": "none"}[seed.kind]


def _ran(sample: Sample) -> bool:
    return sample.outcome.ending is Ending.FINISHED


def _numbers(sample: Sample) -> object:
    """Return all numbers of a run that tell what it learned, printed or in files."""
    written = [(metric.measure.path, metric.name, metric.value) for metric in file_metrics(sample.files)]
    return numbers_in(sample.lines), written


def _proof(option: SeedOption, sample: Sample, first: Sample, step: int) -> str:
    changes = f"runs with {option.seed.base} and {option.seed.base + step} gave other numbers"
    if option.is_known and _numbers(first) == _numbers(sample):
        return f"{changes}, and {option.seed.base}, the script's own, repeated the sample run digit for digit"
    return changes
