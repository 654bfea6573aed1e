"""What an onboarding found out, as frozen values. Finding is `onboard`'s, writing it down `draft`'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.schema import Config, CsvFile, JsonFile, Regex
from nightlab.controller.model.score import Direction
from nightlab.controller.model.site import Site
from nightlab.controller.onboarding.bench import Sample
from nightlab.controller.onboarding.command import Candidate
from nightlab.controller.onboarding.seed import SeedOption


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person said; empty where nothing was said.

    Attributes:
        dockerfile: Relative to the repo.
        context: Build context, relative to the repo.
        build_args: For the build.
        train: The training command.
        metric: A regular expression with one group around the number.
        direction: Which way the metric is better.
        timeout_s: Wall limit of one sample run.
    """

    dockerfile: str = ""
    context: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    train: str = ""
    metric: str = ""
    direction: Direction | None = None
    timeout_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Score:
    """The quantity that scores a run.

    Attributes:
        name: For the config.
        direction: Which way is better.
        measure: Where it is found.
        unit: For people.
        value: In the sample run.
        reason: Why it is the one, and how often it was seen.
        others: What else could have been taken, for a comment.
    """

    name: str
    direction: Direction
    measure: Regex | JsonFile | CsvFile
    unit: str
    value: float
    reason: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeedFound:
    """How the seed is set, or that it cannot be.

    Attributes:
        option: None if no way works.
        proof: What was tried and what came of it.
    """

    option: SeedOption | None
    proof: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the config is written from.

    Attributes:
        config: What the sample run was made with, its limits and seed as they should be.
        candidate: The training command.
        site: What the image turned out to be.
        sample: The run.
        score: What scores it.
        seed: How its seed is set.
        offered: What the actions find.
        protected: Globs that nothing may change -> reason.
        tracked: Paths of the repo.
        dockerfile: Why this Dockerfile.
        overridden: Literals that the command itself sets.
        notes: For a person, the important ones first.
    """

    config: Config
    candidate: Candidate
    site: Site
    sample: Sample
    score: Score
    seed: SeedFound
    offered: tuple[OfferedAction, ...]
    protected: Mapping[str, str]
    tracked: tuple[str, ...]
    dockerfile: str
    overridden: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
