"""Tells when a running trial is beyond hope: its metric is NaN, or nothing was heard of it for long.

Pure: it is fed with output and time and answers with a reason. Ending the run belongs to the walk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nightlab.controller.scoring.scan import LineMeter, Pattern


@dataclass(frozen=True, slots=True)
class WatchdogRules:
    """What ends a run.

    Attributes:
        not_finite_in_a_row: This many readings in a row that are NaN or infinite; 0: never.
        silence_s: This long without any output; None: never, for a quiet script is not a hung one.
    """

    not_finite_in_a_row: int = 3
    silence_s: float | None = None


class Watchdog:
    """Watches the output of one run, live."""

    def __init__(self, pattern: Pattern, rules: WatchdogRules, started_s: float) -> None:
        """Watch.

        Args:
            pattern: Of the metric, as for `LineMeter`; matched in this process, so only for patterns that `scan_log`
                gets through.
            rules: What ends the run.
            started_s: When the run was launched, by the clock that `feed` and `check` are given.
        """
        self._meter = LineMeter({"metric": pattern}, self._read)
        self._rules = rules
        self._heard_s = started_s
        self._in_a_row = 0
        self._worst = 0

    def feed(self, piece: bytes, now_s: float) -> None:
        """Take the next bytes of the output."""
        if piece:
            self._heard_s = now_s
            self._meter.feed(piece)

    def check(self, now_s: float) -> str | None:
        """Return why the run should end now, in words for a person, or None."""
        limit = self._rules.not_finite_in_a_row
        if limit and self._worst >= limit:
            return f"the metric was NaN or infinite {limit} times in a row"
        silence_s = self._rules.silence_s
        if silence_s is not None and now_s - self._heard_s > silence_s:
            return f"no output for {now_s - self._heard_s:.0f} s, more than the {silence_s:g} s allowed"
        return None

    def _read(self, _name: str, value: float) -> None:
        self._in_a_row = 0 if math.isfinite(value) else self._in_a_row + 1
        self._worst = max(self._worst, self._in_a_row)
