"""What was seen of one short run, in the form that two runs are compared in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from nightlab.controller.model.trial import Ending, SmokeReport

MOST_LINES: Final = 20_000
LINE_CHARACTERS: Final = 2_000
MOST_CHARACTERS: Final = 4 * 2**20  # of one stream
_ENDED_ITSELF: Final = frozenset({Ending.FINISHED, Ending.FAILED, Ending.TIMED_OUT, Ending.OUT_OF_MEMORY})


@dataclass(frozen=True, slots=True)
class Observation:
    """One run of one tree on one seed.

    Attributes:
        ending: How it ended.
        exit_code: None where its time limit or the machine ended it.
        lines: What it printed, without the half line of a run that was ended.
        values: Every number of each measured quantity, in order; NaN and infinities among them.
        files: Lines of the files that quantities are read from, by path.
        reason: One line when the ending is not FINISHED, with the last exception.
        run_s: How long it ran.
    """

    ending: Ending
    exit_code: int | None
    lines: tuple[str, ...] = ()
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reason: str = ""
    run_s: float = 0.0

    @classmethod
    def of(
        cls,
        report: SmokeReport,
        lines: Sequence[str],
        values: Mapping[str, Sequence[float]] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Observation:
        """Take what a smoke run tells; what is too much of it is left out, the same way each time."""
        contents = {path: content.decode(errors="replace").splitlines() for path, content in (files or {}).items()}
        return cls(
            ending=report.ending,
            exit_code=report.exit_code,
            lines=_bounded(lines),
            values={name: tuple(found[:MOST_LINES]) for name, found in (values or {}).items()},
            files={path: _bounded(content) for path, content in contents.items()},
            reason=report.reason,
            run_s=report.run_s,
        )

    @property
    def is_cut(self) -> bool:
        """Whether its time limit ended it, so that it says nothing about what would have followed."""
        return self.exit_code is None and self.ending in (Ending.FINISHED, Ending.TIMED_OUT)

    @property
    def is_usable(self) -> bool:
        """Whether the program's own doing ended it, or its time limit: a run that somebody stopped tells nothing."""
        return self.ending in _ENDED_ITSELF

    @property
    def how(self) -> str:
        """How it ended, in words: "exit code 0", "time limit", "exit code 1: TypeError: ..."."""
        if self.is_cut:
            return "time limit"
        if self.ending is Ending.FINISHED:
            return f"exit code {self.exit_code}"
        return self.reason or self.ending.value


def _bounded(lines: Sequence[str]) -> tuple[str, ...]:
    kept = [line[:LINE_CHARACTERS] for line in lines[:MOST_LINES]]
    sizes = accumulate(len(line) + 1 for line in kept)
    return tuple(line for line, size in zip(kept, sizes, strict=True) if size <= MOST_CHARACTERS)
