"""Makes the fixes and the format that the user wants, on a copy, one author after another.

First those after which the program is the same, each on top of those before it; then each that may change what it
does, alone on top of all of the first: so holding one back drags no other with it. Taking them belongs to `applying`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from nightlab.controller.explain.orders import MadeFix
from nightlab.controller.explain.what.changes import changes
from nightlab.controller.explain.who.replay import REPLAY_S, SUFFIXES
from nightlab.controller.explain.who.ruff import Setup
from nightlab.controller.explain.who.workshop import Workshop, workshop
from nightlab.controller.model.change import HOLD, Effect

MOST_ROUNDS: Final = 3
FORMATTER: Final = "formatter:ruff format"
# A fix after which there is more of these than before is not made at all.
_FATAL: Final = "E9,F404,F406,F407,F5,F6,F7,F82,F9,PLE"

Pairs = Iterable[tuple[str, bytes]]
Make = Callable[[str, bytes], bytes | None]


def fixes(
    files: Pairs, order: Mapping[str, Any], paths: Sequence[str] = (), repo_config: Pairs = ()
) -> list[dict[str, Any]]:
    """Make all fixes of an order.

    Args:
        files: Python files to fix.
        order: Fields of a FixOrder.
        paths: All paths of the tree.
        repo_config: The repo's configs; one that ruff cannot read is as if it were not there.

    Returns:
        Fields of MadeFix, in the order in which they were made; files as pairs.
    """
    python = order.get("python")
    version = (int(python[0]), int(python[1])) if python else None
    with workshop(paths, version, dict(repo_config), REPLAY_S) as shop:
        wanted = {path: content for path, content in files if path.endswith(SUFFIXES)}
        made = _Fixer(shop, wanted, order).run()
    return [{**asdict(each), "files": list(each.files.items())} for each in made]


class _Fixer:
    def __init__(self, shop: Workshop, files: Mapping[str, bytes], order: Mapping[str, Any]) -> None:
        self._shop = shop
        self._files = dict(files)  # with all that was accepted
        self._level = str(order.get("level", "off"))
        self._formats = bool(order.get("format"))
        self._select = tuple(order.get("select") or ())
        self._refused = set(order.get("refused") or ())
        self._setup = _setup(shop)
        self._made: list[MadeFix] = []

    def run(self) -> list[MadeFix]:
        for wanted in (Effect.SAME_PROGRAM, Effect.DOCSTRING):
            self._accept(wanted)
        if self._formats and FORMATTER not in self._refused:
            self._format()
        self._hold_back()
        return self._made

    def _accept(self, wanted: Effect) -> None:
        """Make the fixes that do no more than `wanted`; some have work only after others."""
        for _ in range(MOST_ROUNDS):
            before = len(self._made)
            for rule in self._rules():
                made = self._make(f"ruff:{rule}", self._fix(rule))
                if made is not None and made.effect is wanted:
                    self._made.append(made)
                    self._files.update(made.files)
            if len(self._made) == before:
                return

    def _hold_back(self) -> None:
        for rule in self._rules():
            made = self._make(f"ruff:{rule}", self._fix(rule))
            if made is not None:
                self._made.append(made)

    def _format(self) -> None:
        made = self._make(FORMATTER, lambda path, content: self._shop.ruff.format(path, content, self._setup))
        if made is not None:
            self._made.append(made)
            if made.effect is not Effect.BEHAVIOUR:
                self._files.update(made.files)

    def _rules(self) -> list[str]:
        """Return the rules that have something to fix at the wanted level and are not refused."""
        if self._level not in ("safe", "all"):
            return []
        found = {
            each.code
            for path, content in self._files.items()
            for each in self._shop.ruff.selected(path, content, self._setup, self._select)
            if each.is_safe or self._level == "all"
        }
        return sorted(rule for rule in found if f"ruff:{rule}" not in self._refused)

    def _fix(self, rule: str) -> Make:
        level = "unsafe" if self._level == "all" else "safe"
        # What else is selected counts: RUF100 takes a noqa for unused whose rule nobody checks.
        enabled = "ALL" if rule == "RUF100" else ""
        return lambda path, content: self._shop.ruff.fix(path, content, [rule], level, self._setup, enabled=enabled)

    def _make(self, author: str, make: Make) -> MadeFix | None:
        new = {path: made for path, content in self._files.items() if (made := self._made_of(path, content, make))}
        if not new:
            return None
        old = {path: self._files[path] for path in new}
        rest = {path: content for path, content in self._files.items() if path not in new}
        found = tuple(changes(old, new, rest))
        worst = max(found, key=lambda change: list(Effect).index(change.effect))
        reason = f"{HOLD}: {worst.facts[0]}" if worst.effect is Effect.BEHAVIOUR else ""
        return MadeFix(author, worst.effect, new, found, reason)

    def _made_of(self, path: str, content: bytes, make: Make) -> bytes | None:
        made = make(path, content)
        return made if made is not None and made != content and not self._is_worse(path, content, made) else None

    def _is_worse(self, path: str, before: bytes, after: bytes) -> bool:
        """Tell whether a file does not compile for the interpreter after a fix, or has errors it had not before."""
        setup = Setup(self._shop.target)
        old = self._shop.ruff.counts(path, before, _FATAL, setup)
        new = self._shop.ruff.counts(path, after, _FATAL, setup)
        return old is None or new is None or any(count > old.get(code, 0) for code, count in new.items())


def _setup(shop: Workshop) -> Setup:
    """Return the repo's config with the interpreter's version; without a config, or with a broken one, ruff's own."""
    own = Setup(shop.target, has_config=True)
    return own if shop.ruff.counts("nightlab.py", b"", "F", own) is not None else Setup(shop.target)
