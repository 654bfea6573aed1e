"""Which files a training plugin looks at: Python that the training command can reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nightlab.plugins.training.program import READS, WRITES, modules
from nightlab.plugins.training.script import Script
from nightlab.sdk import Edits

__all__ = ["READS", "WRITES", "Scripts", "scripts"]


@dataclass(frozen=True)
class Scripts:
    """The files of one workspace.

    Attributes:
        all: By path, in order.
    """

    all: dict[str, Script]

    def __iter__(self) -> Iterator[Script]:
        return iter(self.all.values())


def scripts(ws: Edits) -> Scripts:
    """Read the files that count.

    Raises:
        Unmet: There is none, or one that counts cannot be read.
    """
    return Scripts({each.path: Script(each.path, each.content) for each in modules(ws, {})})
