"""A held back fix says what is known of it, and no more."""

from __future__ import annotations

import pytest

from nightlab.controller.explain.orders import MadeFix
from nightlab.controller.inspection.fixing import _held
from nightlab.controller.model.change import Effect
from nightlab.controller.proof.oracle import Comparison

WHY = "may change what the program does: `x` removed, a.py:1"
MADE = MadeFix("ruff:F841", Effect.BEHAVIOUR, {"a.py": b""}, (), WHY)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (None, WHY),
        (Comparison(True, "loss 1 -> 2"), "paired smoke runs differ: loss 1 -> 2"),
        (Comparison(None, "no line"), "paired smoke runs cannot tell: no line"),
        # What is left after the same author's other change was let through was not run.
        (Comparison(False, "no difference seen"), WHY),
    ],
)
def test_a_held_back_fix_says_why(seen: Comparison | None, reason: str) -> None:
    assert _held(MADE, seen).reason == reason
