"""How quantities, changes, times and arguments are written for people, the same on every surface.

What is worth saying belongs to `report.headline`; where it stands belongs to each surface.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, tzinfo
from typing import Final

from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.model.score import NoiseFloor, Trust, Verdict
from nightlab.controller.model.trial import Role
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.view import ActionView, ConstraintView, StudyView, TrialView

MINUS: Final = "\N{MINUS SIGN}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
ARROW: Final = "\N{RIGHTWARDS ARROW}"
UNIT_LIMIT: Final = 24
NONE: Final = "\N{EN DASH}"
LEDGER_WORDS: Final = {
    "useful": "baselines and search runs that were scored",
    "confirm": "repeats of likely winners on fresh seeds",
    "smoke": "short runs before the launch",
    "pruned": "runs ended early as hopeless",
    "crash": "runs that failed",
    "infeasible": "runs that ran out of memory",
    "void": "runs that were not what was sealed",
    "lost": "runs that the infrastructure ended",
    "overhead": "starting, checking, collecting and removing containers",
    "idle": "slots without a trial",
}
TRUST_WORDS: Final = {
    Trust.EVALUATED: "evaluated in a fresh container",
    Trust.OBSERVED: "observed from outside the container",
    Trust.REPORTED: "reported by the script itself",
}


def show_quantity(value: float | None, unit: str = "", *, resolution: float | None = None) -> str:
    """Write a value with its unit: "1.8808 bits/byte", "17.0 GiB", "4 min 05 s".

    Args:
        value: None and non-finite numbers become words.
        unit: "bytes" and "s" are scaled.
        resolution: Differences this small still matter (a noise floor's spread); it sets the decimals.
    """
    if value is None:
        return NONE
    if not math.isfinite(value):
        return f"{value} {_inert(unit, UNIT_LIMIT)}".strip()
    if unit == "bytes":
        return signed(value, show_bytes(abs(value)))
    if unit == "s":
        return signed(value, show_seconds(abs(value)))
    return f"{show_number(value, resolution=resolution)} {_inert(unit, UNIT_LIMIT)}".rstrip()


def show_number(value: float, *, resolution: float | None = None) -> str:
    """Write a bare number: to two digits below `resolution`'s first, else to five significant digits."""
    if not resolution or abs(value) >= 1e12:
        return _tidy(f"{value:.5g}")
    decimals = min(12, max(0, 1 - math.floor(math.log10(abs(resolution)))))
    return _tidy(f"{value:.{decimals}f}")


def signed(value: float, magnitude: str) -> str:
    """Put a true minus sign before the text of a negative value's magnitude."""
    return f"{MINUS}{magnitude}" if value < 0 else magnitude


def show_change(change: float | None, unit: str = "", *, resolution: float | None = None) -> str:
    """Write a difference with its sign: "+0.0213 bits/byte"."""
    if change is None:
        return NONE
    text = show_quantity(change, unit, resolution=resolution)
    return f"+{text}" if change > 0 else text


def show_move(before: float | None, after: float | None, unit: str = "", *, resolution: float | None = None) -> str:
    """Write a change from one value to another, a plain unit once: "2.2714 -> 2.2238 bits/byte"."""
    return _pair(before, after, f" {ARROW} ", unit, resolution)


def show_range(low: float, high: float, unit: str = "", *, resolution: float | None = None) -> str:
    """Write both ends of an interval: "0.0371 and 0.0581 bits/byte"."""
    return _pair(low, high, " and ", unit, resolution)


def show_percent(part: float | None, whole: float | None, *, sign: bool = True) -> str:
    """Write part / whole as percent; a dash where that has no meaning."""
    if part is None or not whole or not math.isfinite(part / whole):
        return NONE
    percent = 100 * part / abs(whole)
    digits = 2 if sign and abs(percent) < 10 else 1
    return _tidy(f"{percent:+.{digits}f}" if sign else f"{percent:.{digits}f}") + " %"


def show_floors(gain: float | None, floor: NoiseFloor | None) -> str:
    """Write a gain as a multiple of the noise floor's threshold: "3.1x"."""
    if gain is None or floor is None or not floor.threshold:
        return NONE
    return _tidy(f"{gain / floor.threshold:+.1f}") + TIMES


def resolution_of(view: StudyView, name: str) -> float | None:
    """Return the smallest difference of an objective that is worth showing, None if unknown."""
    floor = view.floor(name)
    return floor.spread or floor.threshold if floor is not None else None


def show_when(unix_s: float | None, zone: tzinfo = UTC) -> str:
    """Write a moment: "Mon 23 Nov 2026, 23:04 UTC"."""
    if unix_s is None:
        return NONE
    moment = datetime.fromtimestamp(unix_s, zone)
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M %Z}".rstrip()


def show_argument(value: object) -> str:
    """Write an argument as source code would have it; None: it is not there."""
    if value is None:
        return NONE
    if isinstance(value, bool | int | float):
        return repr(value)
    return _inert(json.dumps(value, ensure_ascii=False, default=str), 200)


def show_actions(trial: TrialView, *, limit: int = 3) -> str:
    """Write in one line what a trial tried: "LR 0.0003 -> 0.0006, DEPTH 4 -> 5"."""
    if trial.role is not Role.SEARCH and trial.repeats is not None:
        return f"trial {trial.repeats} again, seed {NONE if trial.run_seed is None else trial.run_seed}"
    changed = trial.changed
    files = {argument.name.partition(":")[0] for argument in changed}
    # One file for all of them is said by the diff; in a line it only pushes the values out of sight.
    has_one = len(files) == 1
    parts = [part for action in reversed(trial.actions) for part in show_parts(action, has_one_file=has_one)]
    if len(parts) > limit:
        parts[limit:] = [f"{len(parts) - limit} more"]
    return ", ".join(parts) or ("the base tree" if trial.role is Role.BASELINE else "no change")


def show_parts(action: ActionView, *, has_one_file: bool = True) -> list[str]:
    """Write each argument that an action changed, or what it did where it has none."""
    if not action.changed:
        return [_inert(action.summary or action.name, 120)]
    names = [a.name.partition(":")[2] or a.name if has_one_file else a.name for a in action.changed]
    return [
        f"{_inert(name, 80)} {show_argument(a.before)} {ARROW} {show_argument(a.after)}"
        if a.before is not None
        else f"{_inert(name, 80)} = {show_argument(a.after)}"
        for name, a in zip(names, action.changed, strict=True)
    ]


def verdict_word(trial: TrialView) -> str:
    """Name what became of a trial: its verdict, "confirm" for a repeat that ran well, its phase before that."""
    if trial.verdict is None:
        return trial.phase.value
    if trial.verdict is Verdict.MEASURED:
        return "confirm"
    return trial.verdict.value


def _pair(left: float | None, right: float | None, between: str, unit: str, resolution: float | None) -> str:
    first_unit = unit if unit in ("bytes", "s") else ""
    start = show_quantity(left, first_unit, resolution=resolution)
    return f"{start}{between}{show_quantity(right, unit, resolution=resolution)}"


def _tidy(number: str) -> str:
    bare = number.lstrip("+-")
    if not bare.strip("0."):
        return bare
    return MINUS + bare if number.startswith("-") else number


def show_bound(bound: ConstraintView) -> str:
    """Write a bound: "at most 2.0 GiB"."""
    if bound.max is not None:
        return f"at most {show_quantity(bound.max, bound.unit)}"
    return f"at least {show_quantity(bound.min, bound.unit)}"
