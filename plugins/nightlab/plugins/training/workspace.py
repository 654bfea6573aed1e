"""Which files a training plugin looks at: Python that the training command can reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.hyperparameter.reach import counts, reachable
from nightlab.plugins.hyperparameter.source import Source, Unreadable
from nightlab.plugins.training.script import Script
from nightlab.sdk import Edits, Unmet

FILES: Final = ("**/*.py",)


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
        Unmet: The training command starts a file that cannot be read, or there is no Python file.
    """
    sources: dict[str, Source] = {}
    for path in ws.paths():
        if path.endswith(".py") and (counts(path) or path in ws.entry_points):
            try:
                sources[path] = Source(path, ws.read(path))
            except Unreadable as error:
                if path in ws.entry_points:
                    raise Unmet(f"{path}:{error.line}: {error}", pointer=f"{path}:{error.line}") from error
    if not sources:
        raise Unmet("there is no Python file that the training could run")
    used = reachable(ws.paths(), sources, {}, ws.entry_points)
    return Scripts({path: Script(source) for path, source in sources.items() if path in used})
