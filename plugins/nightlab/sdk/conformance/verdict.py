"""What a check says: how it ended, in one line of JSON, and what ends it early."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["passed", "failed", "warning", "skipped", "expected_failure", "unexpected_pass"]
BAD: tuple[Status, ...] = ("failed", "unexpected_pass")


class Broken(Exception):
    """The plugin breaks the contract; the text says how and what to do."""


class Doubtful(Exception):
    """The plugin keeps the contract but people will notice; the text says what and what to do."""


class Skipped(Exception):
    """The check does not concern this plugin; the text says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one check ended.

    Attributes:
        check: Its name.
        status: "failed" and "unexpected_pass" make the run fail, nothing else does.
        message: What was seen, and what to do about it.
        spec: Where the promise is written down.
        seconds: What the check took.
    """

    check: str
    status: Status
    message: str
    spec: str
    seconds: float

    def line(self) -> str:
        """Write it as one line of JSON."""
        return json.dumps({**asdict(self), "seconds": round(self.seconds, 3)}, ensure_ascii=True)


def closing_line(verdicts: Sequence[Verdict]) -> str:
    """Count: "31 passed, 0 failed", then what else there was."""
    counts = {status: sum(each.status == status for each in verdicts) for status in _ALSO}
    failed = sum(each.status in BAD for each in verdicts)
    also = [f", {count} {_ALSO[status]}" for status, count in counts.items() if count]
    return f"{sum(each.status == 'passed' for each in verdicts)} passed, {failed} failed" + "".join(also)


_ALSO: dict[Status, str] = {
    "warning": "with a warning",
    "skipped": "skipped",
    "expected_failure": "failed as expected",
    "unexpected_pass": "passed unexpectedly",
}
