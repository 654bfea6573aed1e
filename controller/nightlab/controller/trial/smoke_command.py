"""What a smoke run is told: its own command, or the training command with the arguments that make it short."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from nightlab.controller.config.schema import Config, Train
from nightlab.controller.model.site import Site
from nightlab.controller.trial.workload import command, environment, split_command, with_argument

HASH_SEED: Final = "PYTHONHASHSEED"
_OPTION: Final = re.compile(r"-{1,2}[A-Za-z][^=\s]*")
_JOINED: Final = re.compile(r"((?:-{1,2}|\+{0,2})[A-Za-z_][\w.\-/@]*=)(.*)", re.DOTALL)


def smoke_command(site: Site, config: Config, *, run_seed: int | None) -> tuple[str, ...]:
    """Return the command of a smoke run with its seed.

    An own command is the user's: a seed's argument is replaced in it, never added.

    Raises:
        ConfigError: A command cannot be split.
    """
    smoke, seed = config.smoke, config.noise.seed
    argv = split_command(smoke.command or config.train.command, "smoke.command" if smoke.command else "train.command")
    argv = with_arguments(argv, smoke.arguments)
    if smoke.command and len(with_argument(argv, seed.name, "")) > len(argv):
        run_seed = None
    return command(site, _train(config, argv), seed=seed, run_seed=run_seed)


def smoke_environment(site: Site, config: Config, *, run_seed: int | None) -> dict[str, str]:
    """Return the whole environment of a smoke run.

    The order of sets is fixed unless the user says otherwise, so that two runs of one tree differ in little.
    """
    train = config.train.model_copy(update={"env": {**config.train.env, **config.smoke.env}})
    found = environment(site, train, seed=config.noise.seed, run_seed=run_seed)
    return {HASH_SEED: "0", **found}


def with_arguments(argv: tuple[str, ...], arguments: Sequence[str]) -> tuple[str, ...]:
    """Set arguments: each option with its values replaces the one that is there, a bare word is added.

    Args:
        argv: A command.
        arguments: As written on a command line: "--max-steps", "3", "--tiny", "trainer.steps=3".
    """
    for option, values in _groups(arguments):
        argv = _with_option(argv, option, values)
    return argv


def _with_option(argv: tuple[str, ...], option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if not option:
        return (*argv, *values)
    if len(values) == 1:
        return with_argument(argv, option, values[0])
    if option not in argv:
        return (*argv, option, *values)
    start = argv.index(option) + 1
    end = start
    while values and end < len(argv) and not _is_option(argv[end]):
        end += 1
    return (*argv[:start], *values, *argv[end:])


def _groups(arguments: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield options with the values that follow them; bare words before any option have none."""
    option, values = "", list[str]()
    for word in arguments:
        joined = _JOINED.fullmatch(word)
        if not joined and not _is_option(word):
            values.append(word)
            continue
        if option or values:
            yield option, tuple(values)
        option, values = ("", []) if joined else (word, [])
        if joined:
            yield joined[1], (joined[2],)
    if option or values:
        yield option, tuple(values)


def _is_option(word: str) -> bool:
    return _OPTION.fullmatch(word) is not None


def _train(config: Config, argv: tuple[str, ...]) -> Train:
    return config.train.model_copy(update={"command": argv})
