"""Whose fixes are not made in a repo any more: what its own studies caught, read from its state directory."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from nightlab.controller.errors import StoreError
from nightlab.controller.report.gate_words import some
from nightlab.controller.store import Store, open_reader
from nightlab.controller.store.database import FILE
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.text import inert


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Authors in quarantine.

    Attributes:
        evidence: Author ("ruff:SIM108") -> what it changed in what the program does.
        why_unread: One line where there is a store that cannot be read; nobody is known to be in quarantine then.
    """

    evidence: Mapping[str, str] = field(default_factory=dict)
    why_unread: str = ""

    @property
    def authors(self) -> frozenset[str]:
        """Whose fixes are not made."""
        return frozenset(self.evidence)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it where fixes are wanted."""
        if self.why_unread:
            return (f"no fix is refused, because the quarantine of this repo cannot be read: {self.why_unread}",)
        told = [f"{author} ({why})" if why else author for author, why in self.evidence.items()]
        return (f"in quarantine for this repo, so not made: {some(told)}",) if told else ()


def quarantine_of(root: Path) -> Quarantine:
    """Return who is in quarantine for a repo; nobody where no study was run in it. Writes nothing."""
    state = StateDir.of_repo(root)
    try:
        if not (state.root / FILE).is_file():
            return Quarantine()
        state.require_ours()
        with closing(Store(open_reader(state.root))) as store:
            return Quarantine({each.author: each.evidence for each in store.quarantined()})
    except (StoreError, SQLAlchemyError, OSError, ValueError) as error:
        return Quarantine(why_unread=inert(str(error), 300))
