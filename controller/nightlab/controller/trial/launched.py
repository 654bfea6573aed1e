"""What must be known of a launch after the controller that made it is gone: what the gate saw, the stamp of the seal.

Written before the launch, read when the attempt is taken over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from nightlab.controller.model.trial import GateReport


@dataclass(frozen=True, slots=True)
class Launched:
    """One launch.

    Attributes:
        gate: What stood before it.
        stamp: Of the check right before it, lowercase hex.
        digest: Of the tree.
    """

    gate: GateReport
    stamp: str
    digest: str

    def write(self, path: Path) -> None:
        """Keep it; the file appears whole or not at all."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(_ADAPTER.dump_json(self))
        temporary.rename(path)


_ADAPTER: Final = TypeAdapter(Launched)


def read_launched(path: Path, digest: str) -> Launched | None:
    """Return what was kept of the launch of a tree; None if nothing was, or it is of another tree."""
    try:
        found = _ADAPTER.validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return found if found.digest == digest else None
