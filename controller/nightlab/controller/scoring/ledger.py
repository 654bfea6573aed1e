"""The ledger: where every container-minute of a night went, in ten categories that sum to the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import Role


class Category(StrEnum):
    """What time was spent on (DESIGN.md, "Words")."""

    USEFUL = "useful"
    CONFIRM = "confirm"
    SMOKE = "smoke"
    PRUNED = "pruned"
    CRASH = "crash"
    INFEASIBLE = "infeasible"
    VOID = "void"
    LOST = "lost"
    OVERHEAD = "overhead"
    IDLE = "idle"


_WASTED: Final = {
    Verdict.PRUNED: Category.PRUNED,
    Verdict.CRASH: Category.CRASH,
    Verdict.REJECTED: Category.CRASH,
    Verdict.INFEASIBLE: Category.INFEASIBLE,
}
_WHOLE: Final = {Verdict.VOID: Category.VOID, Verdict.LOST: Category.LOST}  # overhead and all


@dataclass(frozen=True, slots=True)
class Spent:
    """The time of one attempt.

    Attributes:
        role: Why the trial was run.
        verdict: How it ended; None while it runs.
        wall_s: From create to removal of its container.
        train_s: Of that, in the training command.
        smoke_s: Of that, in the smoke run.
    """

    role: Role
    verdict: Verdict | None
    wall_s: float
    train_s: float
    smoke_s: float = 0.0


def ledger(rows: Iterable[Spent], study_wall_s: float, slots: int) -> dict[Category, float]:
    """Sum container time by category.

    Args:
        rows: One per attempt, lost ones included.
        study_wall_s: How long the study ran, resumed stretches included.
        slots: How many trials could run at a time.

    Returns:
        Seconds for every category. They sum to `study_wall_s * slots`, of which what no container used is idle; where
        containers used more than that (a clock that was set), they sum to what containers used.
    """
    spent = dict.fromkeys(Category, 0.0)
    for row in rows:
        wall = max(row.wall_s, 0.0)
        train = min(max(row.train_s, 0.0), wall)
        smoke = min(max(row.smoke_s, 0.0), wall - train)
        category = category_of(row)
        if category in _WHOLE.values():
            spent[category] += wall
            continue
        spent[category] += train
        spent[Category.SMOKE] += smoke
        spent[Category.OVERHEAD] += wall - train - smoke
    spent[Category.IDLE] = max(study_wall_s * slots - sum(spent.values()), 0.0)
    return spent


def category_of(row: Spent) -> Category:
    """Return what the training time of an attempt counts as."""
    if row.verdict in _WHOLE:
        return _WHOLE[row.verdict]
    if row.verdict in _WASTED:
        return _WASTED[row.verdict]
    return Category.CONFIRM if row.role is Role.CONFIRM else Category.USEFUL
