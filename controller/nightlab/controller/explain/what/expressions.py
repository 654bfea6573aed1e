"""How two expressions in the same place differ: down to the changed literal where there is one, else as a whole."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from nightlab.controller.explain.what.notes import Notes, Rank
from nightlab.controller.explain.what.shape import fingerprint
from nightlab.controller.explain.what.shown import WIDTH, became, callee, clipped, literal, pair, quoted, shown

DEEPEST: Final = 200
SHORT: Final = 40


@dataclass(frozen=True, slots=True)
class Place:
    """What an expression is to its reader.

    Attributes:
        name: "`lr`", "`lr=`", "default of `lr`"; empty: it has no name of its own.
        key: What an index is added to: "lr"; empty as name.
        tail: " in `AdamW(...)`", for the end.
        depth: How far down it stands.
    """

    name: str = ""
    key: str = ""
    tail: str = ""
    depth: int = 0

    @classmethod
    def of(cls, name: str) -> Place:
        """Return the place of a value that is given to a name."""
        return cls(f"`{clipped(name, 60)}`", name)

    def item(self, index: str) -> Place:
        """Return the place of an item in what stands here."""
        key = f"{self.key}[{clipped(index, 40)}]"
        return replace(self, name=f"`{clipped(key, 80)}`" if self.key else f"item {index}", key=key)

    def anonymous(self) -> Place:
        """Return the place of a part that has no name."""
        return Place(depth=self.depth + 1)

    def told(self, text: str) -> str:
        """Return a sentence about what stands here."""
        return f"{self.name + ': ' if self.name else ''}{text}{self.tail}"


def compare(old: ast.expr | None, new: ast.expr | None, place: Place, notes: Notes) -> None:
    """Note how two expressions differ; nothing if they do not.

    Args:
        old: Earlier; None: there was none.
        new: Later; None: it is gone.
        place: What it is called.
        notes: Where facts go.
    """
    if old is None or new is None:
        _one_side(old, new, place, notes)
    elif fingerprint(old) != fingerprint(new):
        one, other = literal(old), literal(new)
        if one is not None and other is not None:
            _literals(one, other, new, place, notes)
        elif type(old) is not type(new) or place.depth > DEEPEST:
            _differ(old, new, place, notes)
        else:
            _SAME_KIND.get(type(old), _parts)(old, new, place, notes)


def _one_side(old: ast.expr | None, new: ast.expr | None, place: Place, notes: Notes) -> None:
    node, word = (new, "added") if old is None else (old, "removed")
    if node is not None:
        notes.add(Rank.BEHAVIOUR, node, f"{place.name or 'value'} {word}: {quoted(node)}{place.tail}")


def _literals(one: str, other: str, node: ast.expr, place: Place, notes: Notes) -> None:
    one, other = pair(one, other)
    joint = "" if not place.name else " " if place.name.endswith("`") else ": "
    notes.add(Rank.VALUE, node, f"{place.name}{joint}{one} -> {other}{place.tail}")


def _differ(old: ast.expr, new: ast.expr, place: Place, notes: Notes) -> None:
    notes.add(Rank.BEHAVIOUR, new, place.told(became(old, new)))


def _parts(old: ast.expr, new: ast.expr, place: Place, notes: Notes) -> None:
    """Go into the parts where only their literals or one of them differ; else tell the whole."""
    pairs = _children(old, new)
    different = [each for each in pairs or [] if fingerprint(each[0]) != fingerprint(each[1])]
    if not different or not all(isinstance(one, ast.expr) for one, _ in different):
        return _differ(old, new, place, notes)
    inner = notes.aside()
    for one, other in different:
        assert isinstance(one, ast.expr)
        assert isinstance(other, ast.expr)
        compare(one, other, place.anonymous(), inner)
    if len(different) > 1 and any(note.rank is not Rank.VALUE for note in inner.found):
        return _differ(old, new, place, notes)
    _with_context(inner, old, new, place, notes)
    return None


def _with_context(inner: Notes, old: ast.expr, new: ast.expr, place: Place, notes: Notes) -> None:
    """A bare literal or name says little: tell in what it stands, the more the better while it is short."""
    whole = f"{place.key} = {shown(old)}" if place.key else shown(old)
    for note in inner.found:
        says_enough = not note.context and (" in `" in note.text or ": " in note.text)
        is_better = not note.context or len(whole) <= WIDTH
        notes.found.append(note if says_enough or not is_better else replace(note, context=clipped(whole)))


def _children(old: ast.AST, new: ast.AST) -> list[tuple[ast.AST, ast.AST]] | None:
    """Pair the direct parts of two nodes of one kind; None where they have not the same number, names or order."""
    pairs: list[tuple[ast.AST, ast.AST]] = []
    for field in old._fields:
        one, other = getattr(old, field, None), getattr(new, field, None)
        ones, others = (one, other) if isinstance(one, list) and isinstance(other, list) else ([one], [other])
        if len(ones) != len(others):
            return None
        for a, b in zip(ones, others, strict=True):
            if isinstance(a, ast.AST) and isinstance(b, ast.AST):
                pairs.append((a, b))
            elif a != b:
                return None
    return pairs


def _calls(old: ast.Call, new: ast.Call, place: Place, notes: Notes) -> None:
    tail = f" in `{_called(new)}`{_outermost(place)}"
    if fingerprint(old.func) != fingerprint(new.func):
        receivers = _receivers(old.func, new.func)
        if receivers is None:
            return _other_callee(old, new, place, notes)
        # `a.f(1).g()` against `a.f(2).g()`: the inner call differs.
        compare(*receivers, replace(place.anonymous(), tail=tail), notes)
    elif len(old.args) != len(new.args) and len(shown(old)) <= SHORT:
        return _differ(old, new, place, notes)
    _arguments(old, new, tail, place, notes)
    _keywords(old, new, tail, place, notes)
    return None


def _receivers(old: ast.expr, new: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Return what one method is called on, where that is more than a name."""
    if not (isinstance(old, ast.Attribute) and isinstance(new, ast.Attribute) and old.attr == new.attr):
        return None
    return (old.value, new.value) if type(old.value) is type(new.value) and not _is_name(old.value) else None


def _is_name(node: ast.expr) -> bool:
    """Tell whether it is a plain name like `torch.nn`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _other_callee(old: ast.Call, new: ast.Call, place: Place, notes: Notes) -> None:
    same_arguments = [*map(fingerprint, (*old.args, *old.keywords))] == [*map(fingerprint, (*new.args, *new.keywords))]
    if same_arguments and not isinstance(old.func, ast.Call):
        one, other = pair(callee(old), callee(new))
        notes.add(Rank.BEHAVIOUR, new, place.told(f"call of `{one}()` became `{other}()`"))
    else:
        _differ(old, new, place, notes)


def _outermost(place: Place) -> str:
    """Of where something stands, the innermost call is enough."""
    return "" if place.tail.startswith(" in ") else place.tail


def _called(call: ast.Call) -> str:
    """Return "AdamW(...)", or "add_argument('--lr', ...)": an option is known by its name."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.startswith("-"):
        return f"{callee(call)}({clipped(repr(first.value), 30)}, ...)"
    return f"{callee(call)}(...)"


def _arguments(old: ast.Call, new: ast.Call, tail: str, place: Place, notes: Notes) -> None:
    for number, (one, other) in enumerate(zip(old.args, new.args, strict=False), start=1):
        name = f"argument {number}" if len(new.args) > 1 else "argument"
        compare(one, other, Place(name, tail=tail, depth=place.depth + 1), notes)
    for gone in old.args[len(new.args) :]:
        notes.add(Rank.BEHAVIOUR, new, f"argument {quoted(gone)} removed{tail}")
    for added in new.args[len(old.args) :]:
        notes.add(Rank.BEHAVIOUR, added, f"argument {quoted(added)} added{tail}")


def _keywords(old: ast.Call, new: ast.Call, tail: str, place: Place, notes: Notes) -> None:
    ones, others = _by_name(old.keywords), _by_name(new.keywords)
    for name, other in others.items():
        if name in ones:
            compare(
                ones[name].value,
                other.value,
                Place(f"`{name}=`" if other.arg else "`**`", "", tail, place.depth + 1),
                notes,
            )
        else:
            notes.add(Rank.BEHAVIOUR, other, f"`{clipped(shown(other))}` added{tail}")
    for name, one in ones.items():
        if name not in others:
            notes.add(Rank.BEHAVIOUR, new, f"`{clipped(shown(one))}` removed{tail}")
    common = [name for name in ones if name in others]
    if common != [name for name in others if name in ones]:
        notes.add(Rank.ORDER, new, f"keyword arguments reordered{tail}")


def _by_name(keywords: Sequence[ast.keyword]) -> dict[str, ast.keyword]:
    """Return keyword arguments by name; `**more` by its place among those."""
    found: dict[str, ast.keyword] = {}
    for keyword in keywords:
        found[keyword.arg or f"**{sum(name.startswith('**') for name in found) or ''}"] = keyword
    return found


def _dicts(old: ast.Dict, new: ast.Dict, place: Place, notes: Notes) -> None:
    ones = {_key(key, value): value for key, value in zip(old.keys, old.values, strict=True)}
    others = {_key(key, value): value for key, value in zip(new.keys, new.values, strict=True)}
    if len(ones) != len(old.keys) or len(others) != len(new.keys):
        return _differ(old, new, place, notes)
    below = replace(place, depth=place.depth + 1)
    for key, value in others.items():
        if key in ones:
            compare(ones[key], value, below.item(key), notes)
        else:
            notes.add(Rank.BEHAVIOUR, value, f"{below.item(key).name} added: {quoted(value)}{place.tail}")
    for key, value in ones.items():
        if key not in others:
            notes.add(Rank.BEHAVIOUR, value, f"{below.item(key).name} removed (was {quoted(value)}){place.tail}")
    if [key for key in ones if key in others] != [key for key in others if key in ones]:
        notes.add(Rank.BEHAVIOUR, new, place.told("keys reordered"))
    return None


def _key(key: ast.expr | None, value: ast.expr) -> str:
    return f"**{shown(value)}" if key is None else shown(key)


def _sequences(old: ast.List, new: ast.List, place: Place, notes: Notes) -> None:
    ones, others = [*map(fingerprint, old.elts)], [*map(fingerprint, new.elts)]
    if sorted(ones) == sorted(others):
        return notes.add(Rank.BEHAVIOUR, new, place.told(f"items reordered: {became(old, new)}"))
    if len(ones) == len(others):
        below = replace(place, depth=place.depth + 1)
        if place.key or sum(a != b for a, b in zip(ones, others, strict=True)) > 1:
            for number, (one, other) in enumerate(zip(old.elts, new.elts, strict=True)):
                compare(one, other, below.item(str(number)), notes)
            return None
        return _parts(old, new, place, notes)
    gone = _missing(old.elts, others)
    added = _missing(new.elts, ones)
    if len(gone) + len(added) > 5:
        return notes.add(Rank.BEHAVIOUR, new, place.told(f"{len(ones)} -> {len(others)} items"))
    for node, word in [*((each, "removed") for each in gone), *((each, "added") for each in added)]:
        notes.add(Rank.BEHAVIOUR, node if word == "added" else new, place.told(f"item {quoted(node)} {word}"))
    if not gone and not added:
        _differ(old, new, place, notes)
    return None


def _missing(elements: Sequence[ast.expr], there: Sequence[int]) -> list[ast.expr]:
    known = frozenset(there)
    return [each for each in elements if fingerprint(each) not in known]


def _lambdas(old: ast.Lambda, new: ast.Lambda, place: Place, notes: Notes) -> None:
    if fingerprint(old.args) == fingerprint(new.args):
        compare(old.body, new.body, place.anonymous(), notes)
    else:
        _differ(old, new, place, notes)


_SAME_KIND: Final[dict[type, Callable[..., None]]] = {
    ast.Call: _calls,
    ast.Dict: _dicts,
    ast.List: _sequences,
    ast.Tuple: _sequences,
    ast.Set: _sequences,
    ast.Lambda: _lambdas,
    ast.JoinedStr: _differ,
    ast.Attribute: _differ,
    ast.Name: _differ,
}
