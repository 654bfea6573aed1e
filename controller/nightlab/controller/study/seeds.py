"""Which seed each run of a study uses.

Baselines count up from the configured one. Every search trial runs on the first baseline's seed, so that two runs of
which only the code differs can be compared digit for digit. Confirmations use seeds that no run has used yet, the same
ones for candidate and incumbent.
"""

from __future__ import annotations

from nightlab.controller.config.schema import Noise


def baseline_seed(noise: Noise, repeat: int) -> int | None:
    """Return the seed of a baseline repeat (from 0); None where the script has no seed that could be set."""
    return None if noise.seed.kind == "none" else noise.seed.base + repeat


def search_seed(noise: Noise) -> int | None:
    """Return the seed of every search trial."""
    return baseline_seed(noise, 0)


def confirm_seeds(noise: Noise, subject: int) -> tuple[int, ...]:
    """Return the fresh seeds on which a trial's gain is confirmed.

    Args:
        noise: The config's.
        subject: Number of the trial; no other trial gets one of these seeds.
    """
    if noise.seed.kind == "none":
        return ()
    first = noise.seed.base + noise.repeats + subject * noise.confirm
    return tuple(range(first, first + noise.confirm))
