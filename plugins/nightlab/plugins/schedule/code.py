"""The function that a schedule is written as, and how to know it again."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.training.program import Module

FUNCTION: Final = "lr_multiplier"
SHAPES: Final = ("cosine", "linear", "constant", "wsd")
_MARK: Final = "Part of the peak rate at a progress of 0 to 1: "
_HEAD: Final = '''\
def {function}(progress):
    """{mark}{words}."""
'''
_WARMUP: Final = """\
    if progress < {warmup}:  # warm up
        return progress / {warmup}
"""
_DONE: Final = """\
    done = min(1.0, (progress - {start}) / {length})
"""
_TAILS: Final = {
    "cosine": "    return {final} + {span} * 0.5 * (1.0 + math.cos(math.pi * done))\n",
    "linear": "    return 1.0 - {span} * done\n",
    "constant": "    return 1.0\n",
    "wsd": "    return 1.0 - {span} * max(0.0, done)\n",
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule.

    Attributes:
        shape: One of SHAPES.
        warmup: Part of the run in which the rate rises from 0.
        final: The last rate as a part of the peak.
        decay: Part of the run in which "wsd" decays, at its end.
    """

    shape: str
    warmup: float
    final: float
    decay: float

    @property
    def words(self) -> str:
        """It in words."""
        warmup = f"warm-up {self.warmup:.3g}, " if self.warmup else ""
        if self.shape == "constant":
            return warmup + "constant"
        stable = f"stable, linear over the last {self.decay:.3g}" if self.shape == "wsd" else self.shape
        return f"{warmup}{stable} to {self.final:.3g}"


def function_text(schedule: Schedule, *, has_math: bool) -> str:
    """Write the function; without `math` in the file it imports that itself."""
    start = 1.0 - schedule.decay if schedule.shape == "wsd" else schedule.warmup
    numbers = {
        "warmup": f"{schedule.warmup:.4g}",
        "start": f"{start:.4g}",
        "length": f"{1.0 - start:.4g}",
        "final": f"{schedule.final:.4g}",
        "span": f"{1.0 - schedule.final:.4g}",
    }
    text = _HEAD.format(function=FUNCTION, mark=_MARK, words=schedule.words)
    text += "" if has_math or schedule.shape != "cosine" else "    import math\n"
    text += _WARMUP.format(**numbers) if schedule.warmup else ""
    text += _DONE.format(**numbers) if schedule.shape != "constant" else ""
    return text + _TAILS[schedule.shape].format(**numbers)


def written_function(module: Module) -> ast.FunctionDef | None:
    """The function that this action wrote into a file; None if there is none."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == FUNCTION:
            return node if (ast.get_docstring(node) or "").startswith(_MARK) else None
    return None
