"""What a study tells of its actions and plugins, as values: which action won what, and who takes part.

Counting belongs to `study.tally`, wording to `report.action_words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TallyView:
    """One action's share of a study.

    Attributes:
        plugin: Its plugin's name.
        action: Its own.
        trials: Search trials that were made to try it, whatever came of them.
        kept: How many of these were kept.
        best_trial: The kept trial that gained most; None without one.
        best_gain: What that one added to the best of its day, in the first objective's unit, above 0 is better.
        best_gain_percent: The same as a part of the baseline's mean; None where that is 0 or unknown.
        gain: The sum over all kept trials, in that unit.
        container_s: Container seconds of its trials and of the runs that confirmed or refused them.
        gain_per_container_min: `gain` by container minute; None before it had a container.
        outcomes: How many trials ended with which verdict.
    """

    plugin: str
    action: str
    trials: int
    kept: int = 0
    best_trial: int | None = None
    best_gain: float | None = None
    best_gain_percent: float | None = None
    gain: float = 0.0
    container_s: float = 0.0
    gain_per_container_min: float | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the config writes it."""
        return f"{self.plugin}/{self.action}"


@dataclass(frozen=True, slots=True)
class PluginView:
    """A plugin as the study had it.

    Attributes:
        name: As the config writes it.
        version: As it says of itself; untrusted.
        digest: What it is made of, and was accepted as; empty for what comes with nightlab.
        stopped: Why it is left out, made of untrusted text; empty while it takes part.
    """

    name: str
    version: str = ""
    digest: str = ""
    stopped: str = ""
