"""The shape of nightlab.toml: one frozen model a table, every field with its unit, default and reason.

Reading the file and turning pydantic's errors into a ConfigError belongs to `config.load`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from nightlab.controller.config.gating import Lint, Smoke
from nightlab.controller.config.measures import CsvFile, JsonFile, Measure, Observed, Regex
from nightlab.controller.config.plugin import Plugin
from nightlab.controller.config.table import Table
from nightlab.controller.config.units import Bytes, Seconds
from nightlab.controller.model.score import Direction

NAME: Final = r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$"
Name = Annotated[str, Field(pattern=NAME)]
PluginName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
GiB: Final = 2**30
MiB: Final = 2**20
__all__ = [
    "Budget",
    "Config",
    "Constraint",
    "CsvFile",
    "GiB",
    "Image",
    "JsonFile",
    "Lint",
    "Measure",
    "MiB",
    "Noise",
    "Objective",
    "Observed",
    "Plugin",
    "Prepare",
    "Range",
    "Regex",
    "Search",
    "Security",
    "Seed",
    "Smoke",
    "Table",
    "Train",
]


class Image(Table):
    """How the trial image is made and where it has the repo.

    Attributes:
        dockerfile: Relative to the repo.
        context: Build context, relative to the repo.
        build_args: As `docker build --build-arg`.
        target: Stage to build; empty: the last.
        name: An image that exists already; then nothing is built and the Dockerfile is not read.
        workspace: Absolute path of the repo inside the image; empty: found by matching content.
        network: Whether the build may use the network, as a plain `docker build` does.
    """

    dockerfile: str = "Dockerfile"
    context: str = "."
    build_args: dict[str, str] = Field(default_factory=dict)
    target: str = ""
    name: str = ""
    workspace: str = ""
    network: bool = True

    @field_validator("workspace")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if value and (not value.startswith("/") or value.rstrip("/") == ""):
            raise ValueError('must be an absolute path inside the image and not "/", such as "/app"')
        return value.rstrip("/")


class Prepare(Table):
    """A command run once per study, before any trial, into a data volume that trials mount read-only.

    Attributes:
        command: Empty: nothing to prepare.
        network: Whether it may use the network; only by the user's word.
        data: Where the volume appears: writable for the command, read-only for trials.
        size: Limit of the volume.
        timeout: Limit of the command.
    """

    command: str | tuple[str, ...] = ()
    network: bool = False
    data: str = "/data"
    size: Bytes = 8 * GiB
    timeout: Seconds = 3600.0

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/") or value.rstrip("/") == "":
            raise ValueError('must be an absolute path inside the image and not "/", such as "/data"')
        return value.rstrip("/")


class Train(Table):
    """The training command and what it may use.

    Attributes:
        command: A string is split as a shell would; a list is taken as it is. No shell unless it names one.
        entrypoint: "image" puts the image's ENTRYPOINT before the command, "none" does not.
        workdir: Absolute, or relative to the workspace; empty: the image's WORKDIR.
        env: Added to the image's ENV.
        timeout: Wall limit of one run.
        cpus: Cores of one trial; thread counts follow it.
        memory: Limit of one trial, swap included.
        shm: Size of /dev/shm, inside `memory`.
        tmp: Size of /tmp, inside `memory`.
        workspace_size: What a run may write beside the sources.
        gpus: How many GPUs a trial gets, each for itself.
        pids: Limit of processes and threads; empty: from cpus.
        editable: Globs of files that actions may change.
        protected: Globs of files that nothing may change; they win over `editable`.
        outputs: Globs of files taken out after a run, relative to the workspace.
        output_limit: Most bytes of outputs kept of one trial.
        user: "auto" runs as the image's USER, or as uid 65532 where that is root; else "uid" or "uid:gid".
        writable: Further absolute directories that a run must be able to write.
    """

    command: str | tuple[str, ...]
    entrypoint: Literal["image", "none"] = "none"
    workdir: str = ""
    env: dict[str, str] = Field(default_factory=dict)
    timeout: Seconds = 3600.0
    cpus: float = Field(default=1.0, gt=0)
    memory: Bytes = 4 * GiB
    shm: Bytes = 256 * MiB
    tmp: Bytes = 256 * MiB
    workspace_size: Bytes = 1 * GiB
    gpus: int = Field(default=0, ge=0)
    pids: int | None = Field(default=None, ge=16)
    editable: tuple[str, ...] = ("**/*.py", "**/*.toml", "**/*.yaml", "**/*.yml", "**/*.json")
    protected: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    output_limit: Bytes = 256 * MiB
    user: str = "auto"
    writable: tuple[str, ...] = ()

    @field_validator("command")
    @classmethod
    def _not_empty(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not value or (isinstance(value, str) and not value.strip()):
            raise ValueError('must name the training command, such as "python train.py"')
        return value

    @field_validator("user")
    @classmethod
    def _not_root(cls, value: str) -> str:
        if value == "auto":
            return value
        if re.fullmatch(r"\d+(:\d+)?", value) is None or int(value.split(":")[0]) == 0:
            raise ValueError('must be "auto", "uid" or "uid:gid" in numbers and not root, such as "1000"')
        return value

    @field_validator("writable")
    @classmethod
    def _absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            if not path.startswith("/") or path.rstrip("/") == "":
                raise ValueError(f'{path!r} must be absolute and not "/", such as "/var/cache/app"')
        return value


class Objective(Table):
    """A quantity to make better. The first one decides keeps; all span the Pareto front.

    Attributes:
        name: In tables, charts and the store.
        direction: Which way is better.
        measure: Where the number comes from.
        unit: For people ("bits/byte", "bytes", "s").
        min_effect: Smallest gain worth keeping, in the objective's own unit.
    """

    name: Name
    direction: Direction = Direction.MINIMIZE
    measure: Measure
    unit: str = ""
    min_effect: float = Field(default=0.0, ge=0.0)


class Constraint(Table):
    """A bound that a trial must keep. Set exactly one of max and min.

    Attributes:
        name: In tables and the store; no objective may have it.
        measure: Where the number comes from.
        max: Largest value that is allowed.
        min: Smallest value that is allowed.
        unit: For people.
    """

    name: Name
    measure: Measure
    max: float | None = None
    min: float | None = None
    unit: str = ""

    @model_validator(mode="after")
    def _one_bound(self) -> Constraint:
        if (self.max is None) == (self.min is None):
            raise ValueError("set exactly one of max and min")
        return self


class Seed(Table):
    """How a run's random seed is set, so that repeats of one tree differ.

    Attributes:
        kind: "argument" appends or replaces a command-line argument, "variable" sets an environment variable,
            "literal" rewrites a literal of the source, "none" says that there is no seed.
        name: The argument ("--seed"), the variable ("SEED") or the literal ("train.py:SEED").
        base: The baseline's seed; repeats count up from it.
    """

    kind: Literal["argument", "variable", "literal", "none"] = "none"
    name: str = ""
    base: int = 1337

    @model_validator(mode="after")
    def _named(self) -> Seed:
        if self.kind != "none" and not self.name:
            raise ValueError(f'kind "{self.kind}" needs a name, such as "--seed", "SEED" or "train.py:SEED"')
        return self


class Noise(Table):
    """How the noise floor is found.

    Attributes:
        seed: How a run is made to differ.
        repeats: Baseline runs before the search begins; the floor needs at least 2.
        confirm: Runs on fresh seeds, of candidate and incumbent each, before a gain is believed.
        false_keep_rate: Error rate of the keep rule.
    """

    seed: Seed = Seed()
    repeats: int = Field(default=3, ge=1, le=50)
    confirm: int = Field(default=2, ge=0, le=20)
    false_keep_rate: float = Field(default=0.05, gt=0, lt=0.5)


class Budget(Table):
    """When the night ends. Whatever is reached first.

    Attributes:
        trials: Search trials; baselines and confirmations are not counted.
        wall_time: Of the whole study.
        failures_in_a_row: Trials that crash one after another before the study stops.
    """

    trials: int = Field(default=40, ge=0)
    wall_time: Seconds = 12 * 3600.0
    failures_in_a_row: int = Field(default=20, ge=1)


class Range(Table):
    """The user's word on one tunable literal.

    Attributes:
        low: Smallest value to try.
        high: Largest value to try.
        log: Whether steps are relative.
        choices: The only values to try; instead of low and high.
    """

    low: float | None = None
    high: float | None = None
    log: bool | None = None
    choices: tuple[bool | int | float | str, ...] = ()


class Search(Table):
    """Who chooses and from what.

    Attributes:
        policy: "tpe" needs no key and no network.
        actions: Enabled actions as plugin/action; a plugin alone enables all of its actions.
        parallel: Trials at a time; 0: as many as cores, memory and GPUs allow.
        seed: Of the policy.
        frozen: Literals that no action may change, besides those found ("train.py:EVAL_STEPS" or a glob).
        tunable: Literals that may change although they look frozen, or that get a range of your own.
    """

    policy: Literal["tpe"] = "tpe"
    actions: tuple[str, ...] = ("hyperparameter",)
    parallel: int = Field(default=0, ge=0)
    seed: int = 0
    frozen: tuple[str, ...] = ()
    tunable: dict[str, Range] = Field(default_factory=dict)


class Security(Table):
    """How much isolation is asked for. Weaker than the engine could give is a choice, and recorded with every score.

    Attributes:
        runtime: OCI runtime of trial containers; never another one in its place.
        allow_degraded: Run although the engine lacks a protection that the policy asks for.
        workspace: "auto" uses a loop device where root allows it, else memory.
    """

    runtime: str = "runc"
    allow_degraded: bool = False
    workspace: Literal["auto", "loop", "tmpfs"] = "auto"


class Config(Table):
    """All of nightlab.toml."""

    name: Name = "study"
    image: Image = Image()
    prepare: Prepare = Prepare()
    train: Train
    objectives: tuple[Objective, ...] = Field(min_length=1)
    constraints: tuple[Constraint, ...] = ()
    noise: Noise = Noise()
    budget: Budget = Budget()
    search: Search = Search()
    plugins: dict[PluginName, Plugin] = Field(default_factory=dict)
    lint: Lint = Lint()
    smoke: Smoke = Smoke()
    security: Security = Security()

    @model_validator(mode="after")
    def _unique_names(self) -> Config:
        names = [o.name for o in self.objectives] + [c.name for c in self.constraints]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"objectives and constraints share a name: {', '.join(twice)}")
        return self

    def canonical(self) -> dict[str, Any]:
        """Return a JSON-ready form that is stored with the study."""
        return self.model_dump(mode="json")
