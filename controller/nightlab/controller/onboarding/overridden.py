"""Tells which literals the training command itself sets, so that changing them in a file would change nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_OPTION: Final = re.compile(r"--?(?P<name>[A-Za-z][\w.-]*)(?:=.*)?", re.DOTALL)
_PAIR: Final = re.compile(r"\+{0,2}(?P<name>[A-Za-z_][\w./-]*)=.*", re.DOTALL)  # Hydra's, OmegaConf's and make's form


def set_by_command(argv: Sequence[str], literals: Iterable[str]) -> tuple[str, ...]:
    """Return the literals that a command overrides, in their order.

    `--optim.lr 0.3`, `--optim.lr=0.3` and `optim.lr=0.3` set `train.py:--optim.lr`, `train.py:DEFAULTS.optim.lr` and
    `conf/base.yaml:optim.lr`; dashes and underscores count as the same.

    Args:
        argv: The training command.
        literals: Ids, "path:name".
    """
    given = set(_names(argv))
    return tuple(literal for literal in literals if any(_ends_with(literal, name) for name in given))


def _names(argv: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for word in argv[1:]:
        match = _OPTION.fullmatch(word) or _PAIR.fullmatch(word)
        if match is not None:
            yield _parts(match["name"])


def _ends_with(literal: str, name: tuple[str, ...]) -> bool:
    own = _parts(literal.partition(":")[2].lstrip("-"))
    return own[-len(name) :] == name


def _parts(name: str) -> tuple[str, ...]:
    return tuple(name.replace("-", "_").replace("/", ".").split("."))
