"""How a broken plugin says which promise it breaks, and what the kit must say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Breaking:
    """A broken plugin: where it is, the check that it fails, and words of the message."""

    where: str
    check: str
    says: str
    status: str


BROKEN: list[Breaking] = []


def breaks(check: str, says: str, *, status: str = "failed") -> Callable[[type], type]:
    """Note a class as a plugin that fails a check."""

    def note(cls: type) -> type:
        module = cls.__module__.rpartition(".")[2]
        BROKEN.append(Breaking(f"broken.{module}:{cls.__name__}", check, says, status))
        return cls

    return note
