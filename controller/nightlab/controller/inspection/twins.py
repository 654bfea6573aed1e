"""Whether a working tree is the same program as its base: comments and format aside, nothing new to run."""

from __future__ import annotations

from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.inspection.subject import Subject
from nightlab.controller.report.gate_view import Check, CheckState
from nightlab.controller.report.gate_words import count


async def twin_check(subject: Subject, explainer: Explainer) -> Check:
    """Compare the canonical contents of what differs from the base."""
    if subject.revision is None:
        return _check(CheckState.SKIPPED, "nothing to compare with")
    if not subject.touched:
        return _check(CheckState.SKIPPED, "nothing differs from the base")
    before, after = subject.sides()
    is_same = not subject.unread() and not subject.modes() and before.keys() == after.keys()
    if is_same and await explainer.canonical(before) == await explainer.canonical(after):
        return _check(CheckState.SKIPPED, "same program as the base")
    return _check(CheckState.PASSED, f"{count(len(subject.touched), 'file differs', 'files differ')}")


def _check(state: CheckState, reason: str) -> Check:
    return Check("duplicates", "duplicates", state, reason)
