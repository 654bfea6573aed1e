"""Who made a change: finds, for all files of it, the known tools that make the same, and tells what they leave over.

The search for one file is `search`, what counts as proven is `pruning`. What no tool makes is unknown, and said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from nightlab.controller.explain.what.changes import changes
from nightlab.controller.explain.who.distance import is_cut_off, is_on_the_way
from nightlab.controller.explain.who.pruning import Pruner
from nightlab.controller.explain.who.rivals import command, preferred
from nightlab.controller.explain.who.search import Search
from nightlab.controller.explain.who.steps import Step, make, needs_unsafe
from nightlab.controller.explain.who.workshop import Workshop, workshop
from nightlab.controller.model.change import Fact, Writer

REPLAY_S: Final = 9.0
MOST_BYTES: Final = 2 * 2**20
SUFFIXES: Final = (".py", ".pyi", ".pyw")
MOST_HINTS: Final = 4

Files = Mapping[str, bytes]
Pairs = Iterable[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What is known of one file.

    Attributes:
        path: Of the file.
        steps: What known tools did.
        content: What these make of the earlier file.
        is_exact: All that the steps change is in the later file.
        also: Other steps that make the same of the file, where one step explains all of it.
    """

    path: str
    steps: tuple[Step, ...]
    content: bytes
    is_exact: bool = True
    also: tuple[Step, ...] = ()


def writers(
    before: Pairs,
    after: Pairs,
    paths: Sequence[str] = (),
    python: Sequence[int] | None = None,
    repo_config: Pairs = (),
) -> dict[str, Any]:
    """Find out who wrote a change.

    Args:
        before: Earlier contents of the files that differ.
        after: Later contents.
        paths: All paths of the tree.
        python: Version of the interpreter that runs the program.
        repo_config: The repo's configs.

    Returns:
        "writers": known tools first, the last unknown where something is left; "unexplained": what, as facts; "late":
        paths for which no time was left, so that for them no tool was tried.
    """
    old, new = dict(before), dict(after)
    with workshop(paths, _version(python), dict(repo_config), REPLAY_S) as shop:
        found, late = _replay_all(shop, old, new)
        known = _writers(shop, old, found)
    left = [path for path in sorted(old.keys() | new.keys()) if _content(found, old, path) != new.get(path)]
    facts = _facts(left, old, new, found)
    unknown = [Writer("", tuple(left))] if left else []
    return {
        "writers": [asdict(each) for each in (*known, *unknown)],
        "unexplained": [asdict(each) for each in facts],
        "late": late,
    }


def redo(
    before: Pairs,
    writer: Mapping[str, Any],
    rules: Sequence[str] | None = None,
    paths: Sequence[str] = (),
    python: Sequence[int] | None = None,
    repo_config: Pairs = (),
) -> list[tuple[str, bytes]]:
    """Make a writer's change again, with some of its rules only.

    Returns:
        Contents of the files that come out another way; none for an unknown writer.
    """
    who = Writer(
        str(writer["tool"]), tuple(writer["paths"]), tuple(writer["rules"]), str(writer["applicability"]),
        tuple(writer["settings"]),
    )  # fmt: skip
    step = Step.of(who, rules)
    with workshop(paths, _version(python), dict(repo_config), REPLAY_S) as shop:
        made = [(path, content, make(shop, path, content, step)) for path, content in before if path in who.paths]
    return [(path, new) for path, old, new in made if new is not None and new != old]


def _version(python: Sequence[int] | None) -> tuple[int, int] | None:
    return (int(python[0]), int(python[1])) if python else None


def _replay_all(shop: Workshop, old: Files, new: Files) -> tuple[dict[str, Replayed], list[str]]:
    """Replay file by file, small ones first; what explained one is tried first on the next.

    A file of which no hint makes all waits until the hints were tried on all: one hard file keeps no other waiting.
    """
    both = [path for path in old.keys() & new.keys() if path.endswith(SUFFIXES) and old[path] != new[path]]
    small = [path for path in both if max(len(old[path]), len(new[path])) <= MOST_BYTES]
    todo = sorted(small, key=lambda path: (len(old[path]), path))
    found: dict[str, Replayed] = {}
    hints: dict[Step, None] = {}
    rivals: dict[str, tuple[Step, ...]] = {}
    while todo and not shop.is_late:
        path = todo.pop(0)
        found[path] = replay(shop, path, old[path], new[path], tuple(hints)[:MOST_HINTS], rivals)
        fresh = [step for step in found[path].steps if step not in hints]
        hints |= dict.fromkeys(found[path].steps)
        for each in tuple(todo) if fresh else ():
            made = _by_hints(shop, each, old[each], new[each], fresh, rivals)
            if made is not None:
                found[each] = made
                todo.remove(each)
    return {path: each for path, each in sorted(found.items()) if each.steps}, sorted(todo)


def _by_hints(
    shop: Workshop, path: str, before: bytes, after: bytes, hints: Sequence[Step], rivals: dict[str, tuple[Step, ...]]
) -> Replayed | None:
    """Explain a file by a step that explained another, if that makes all of it."""
    for step in hints:
        if not shop.is_late and make(shop, path, before, step) == after:
            return _exact(shop, path, before, after, (step,), rivals)
    return None


def replay(
    shop: Workshop,
    path: str,
    before: bytes,
    after: bytes,
    hints: Sequence[Step] = (),
    rivals: dict[str, tuple[Step, ...]] | None = None,
) -> Replayed:
    """Replay known tools on one file.

    Args:
        shop: Where tools run.
        path: Of the file.
        before: Earlier content.
        after: Later content.
        hints: Steps that explained other files of the change.
        rivals: By tool: what else made the same of all files so far; kept up to date.
    """
    reached = Search(shop, path, before, after, hints).run()
    if reached.steps and not reached.left:
        return _exact(shop, path, before, after, reached.steps, {} if rivals is None else rivals)
    pruner = Pruner(shop, path, before, after)
    steps = pruner.prune(reached.steps) if reached.steps else ()
    content = pruner.content(steps)
    if not steps or content is None or _may_be_cut_off(before, after, steps):
        return Replayed(path, (), before)
    return Replayed(path, steps, content, is_on_the_way(before, content, after, 1.0))


def _may_be_cut_off(before: bytes, after: bytes, steps: Sequence[Step]) -> bool:
    """Tell whether a write that stopped leaves the same, and no safe fix does: then nobody is named."""
    return is_cut_off(before, after) and any(map(needs_unsafe, steps))


def _exact(
    shop: Workshop, path: str, before: bytes, after: bytes, steps: Sequence[Step], rivals: dict[str, tuple[Step, ...]]
) -> Replayed:
    pruner = Pruner(shop, path, before, after)
    kept = pruner.prune(tuple(steps))
    content = pruner.content(kept)
    if not kept or content is None or _may_be_cut_off(before, after, kept):
        return Replayed(path, (), before)
    if content != after or len(kept) > 1:
        return Replayed(path, kept, content, content == after or is_on_the_way(before, content, after, 1.0))
    step, also = preferred(shop, path, before, after, kept[0], rivals.get(kept[0].tool))
    rivals[step.tool] = also
    return Replayed(path, (step,), content, True, also)


def _writers(shop: Workshop, old: Files, found: Mapping[str, Replayed]) -> list[Writer]:
    """Say it by tool; runs of ruff over several files are one if one run makes all of it."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[tuple[Replayed, Step]]] = {}
    for each in found.values():
        for step in each.steps:
            groups.setdefault((step.tool, step.level, step.settings), []).append((each, step))
    return [writer for group in groups.values() for writer in _group(shop, old, group)]


def _group(shop: Workshop, old: Files, group: Sequence[tuple[Replayed, Step]]) -> list[Writer]:
    rules = tuple(sorted({rule for _, step in group for rule in step.rules}))
    one = replace(group[0][1], rules=rules)
    same = [made for made in group if _is_same(shop, old, made, one)]
    rest = [made for made in group if made not in same]
    together = [_writer(shop, one, [made for made, _ in same])] if same else []
    return [*together, *(_writer(shop, step, [made]) for made, step in rest)]


def _is_same(shop: Workshop, old: Files, made: tuple[Replayed, Step], one: Step) -> bool:
    """Tell whether the rules of all files together do the same to this one."""
    each, step = made
    if step == one:
        return True
    return make(shop, each.path, old[each.path], one) == make(shop, each.path, old[each.path], step)


def _writer(shop: Workshop, step: Step, files: Sequence[Replayed]) -> Writer:
    exact = all(each.is_exact for each in files)
    also = set.intersection(*(set(map(command, each.also)) for each in files))
    writer = step.writer(tuple(each.path for each in files), is_exact=exact)
    return replace(writer, settings=tuple(_said(each, shop) for each in step.settings), also=tuple(sorted(also)))


def _said(setting: str, shop: Workshop) -> str:
    """Say of a target version that it is newer than the interpreter."""
    name = setting.removeprefix("--target-version=py3")
    if shop.python is None or name == setting or not name.isdigit() or int(name) <= shop.python[1]:
        return setting
    return f"{setting} (newer than the interpreter's {shop.python[0]}.{shop.python[1]})"


def _content(found: Mapping[str, Replayed], old: Files, path: str) -> bytes | None:
    return found[path].content if path in found else old.get(path)


def _facts(left: Sequence[str], old: Files, new: Files, found: Mapping[str, Replayed]) -> list[Fact]:
    start = {path: content for path in left if (content := _content(found, old, path)) is not None}
    end = {path: new[path] for path in left if path in new}
    return [fact for change in changes(start, end, {}) for fact in change.facts]
