"""The host's side of explaining: keeps one confined worker, calls it with deadlines, answers even where it breaks.

What a worker can do is `operations`; this process never parses a file of the repo.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from nightlab.controller.errors import ExplainFailed
from nightlab.controller.explain import answers, findings
from nightlab.controller.explain.orders import Files, FixOrder, MadeFix, Modes
from nightlab.controller.explain.plain import MOST_READ, is_link, link_change, mode_change, plain_change, with_mode
from nightlab.controller.explain.process import Worker
from nightlab.controller.model.change import Explanation, Fact, FileChange, Writer
from nightlab.controller.model.trial import Finding
from nightlab.controller.text import inert

CALL_S: Final = 20.0
RETRY_S: Final = 5.0
RETRIES_S: Final = 30.0
BATCH_BYTES: Final = 24 * 2**20
REST_BYTES: Final = 32 * 2**20
CACHED_DIGESTS: Final = 100_000


class Explainer:
    """Says what changed and who did it. Its worker starts with the first question and is replaced when it breaks."""

    def __init__(self, *, call_s: float = CALL_S) -> None:
        """Start nothing yet.

        Args:
            call_s: Most seconds of one call of the worker.
        """
        self._call_s = call_s
        self._worker = Worker()
        self._digests: dict[tuple[str, bytes], str] = {}

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the worker."""
        await self.close()

    async def close(self) -> None:
        """End the worker, if one runs."""
        await self._worker.close()

    @property
    def pid(self) -> int | None:
        """Process id of the worker; None while there is none."""
        return self._worker.pid

    async def changes(
        self, before: Files, after: Files, *, modes: Modes | None = None, rest: Files | None = None
    ) -> tuple[FileChange, ...]:
        """Say what changed. Never raises for what a file holds: what cannot be read is told by size.

        Args:
            before: Earlier contents of the files that differ; a path that is missing was added.
            after: Later contents; a path that is missing was removed.
            modes: Git's modes, earlier and later, of paths where they differ and of symbolic links; None for a missing
                side. A path may be here alone.
            rest: Python files of the tree that did not change: one of them may read the source of one that did.
        """
        return (await self._changes(before, after, modes or {}, rest or {}))[0]

    async def explain(
        self,
        before: Files,
        after: Files,
        *,
        paths: Sequence[str] = (),
        python: tuple[int, int] | None = None,
        repo_config: Files | None = None,
        modes: Modes | None = None,
        rest: Files | None = None,
    ) -> Explanation:
        """Say what changed and who did it. Never raises for what a file holds: a note says what is not known.

        Args:
            before: As of `changes`.
            after: As of `changes`.
            paths: All paths of the tree; import sorters must know which modules are the repo's own.
            python: Version of the interpreter that runs the program.
            repo_config: The repo's ruff.toml, pyproject.toml, setup.cfg, ...: data for the replay.
            modes: As of `changes`.
            rest: As of `changes`.
        """
        changes, notes = await self._changes(before, after, modes or {}, rest or {})
        known = before.keys() | after.keys()
        request = {
            "before": _pairs(before),
            "after": _pairs(after),
            "paths": list(paths),
            "python": python,
            "repo_config": _pairs(repo_config or {}),
        }
        try:
            told = answers.as_type(dict[str, Any], await self._call("writers", request))
            writers = answers.as_writers(told.get("writers"), known)
            unexplained = answers.as_facts(told.get("unexplained"), known)
            late = [path for path in answers.as_type(list[str], told.get("late")) if path in known]
        except ExplainFailed as error:
            return _unknown(changes, (*notes, f"who wrote it could not be found out: {error}"))
        if modes:
            writers, unexplained = _with_modes(writers, unexplained, changes, modes)
        return Explanation(changes, writers, unexplained, (*notes, *_late(late, len(known))))

    async def canonical(self, files: Files) -> Mapping[str, str]:
        """Return a digest per path that ignores comments and format; a file that breaks the worker has its bytes'."""
        keys = {path: (path.rpartition(".")[2], hashlib.sha256(content).digest()) for path, content in files.items()}
        unknown = {path: files[path] for path, key in keys.items() if key not in self._digests}
        for batch in _batches(unknown):
            found = await self._canonical({path: unknown[path] for path in batch})
            if len(self._digests) > CACHED_DIGESTS:
                self._digests.clear()
            self._digests.update((keys[path], digest) for path, digest in found.items())
            missing = {path: f"bytes:{keys[path][1].hex()}" for path in batch if keys[path] not in self._digests}
            self._digests.update((keys[path], digest) for path, digest in missing.items())
        return {path: self._digests[key] for path, key in keys.items()}

    async def fixes(
        self, files: Files, order: FixOrder, *, paths: Sequence[str] = (), repo_config: Files | None = None
    ) -> tuple[MadeFix, ...]:
        """Make the fixes that the user wants, on a copy, one author after another.

        Args:
            files: Contents of the Python files to fix.
            order: Which fixes.
            paths: All paths of the tree.
            repo_config: As of `explain`.

        Raises:
            ExplainFailed: The worker broke; nothing was fixed.
        """
        request = {
            "files": _pairs(files),
            "order": {**asdict(order), "refused": sorted(order.refused)},
            "paths": list(paths),
            "repo_config": _pairs(repo_config or {}),
        }
        return answers.as_fixes(await self._call("fixes", request), files.keys())

    async def redo(
        self,
        before: Files,
        writer: Writer,
        *,
        rules: Sequence[str] | None = None,
        paths: Sequence[str] = (),
        python: tuple[int, int] | None = None,
        repo_config: Files | None = None,
    ) -> Files:
        """Make a known writer's change again, with some of its rules only.

        Args:
            before: Contents before the change.
            writer: As of an Explanation.
            rules: Those of its rules to take; None: all.
            paths: All paths of the tree.
            python: As of `explain`.
            repo_config: As of `explain`.

        Returns:
            Contents of the files that come out another way.

        Raises:
            ExplainFailed: The worker broke.
        """
        request = {
            "before": _pairs(before),
            "writer": asdict(writer),
            "rules": None if rules is None else list(rules),
            "paths": list(paths),
            "python": python,
            "repo_config": _pairs(repo_config or {}),
        }
        return answers.as_files(await self._call("redo", request), before.keys())

    async def reads_itself(self, files: Files) -> tuple[str, ...]:
        """Say why the text of the program, not only its AST, may matter to what it does; empty: it does not.

        Raises:
            ExplainFailed: The worker broke.
        """
        found = await self._call("reads_itself", {"files": _pairs(files)})
        return tuple(answers.as_type(list[str], found)[:50])

    async def weigh(
        self, files: Files, looked_at: Sequence[str], found: Sequence[Finding], *, paths: Sequence[str] = ()
    ) -> tuple[Finding, ...]:
        """Take a second look at findings, and look for what nightlab's own rules say.

        Args:
            files: Contents of Python files: those to look at, and those that they import or that import them.
            looked_at: The files in which nightlab's own rules look.
            found: Findings of ruff, in any of the files, that are to be weighed.
            paths: All paths of the tree.

        Returns:
            The findings that bite, with words that say why, and those of nightlab's own rules.

        Raises:
            ExplainFailed: The worker broke; nothing was weighed.
        """
        request = {
            "files": _pairs(files),
            "looked_at": list(looked_at),
            "found": [findings.as_found(each) for each in found],
            "paths": list(paths),
        }
        return findings.as_findings(await self._call("weigh", request), found, looked_at)

    async def _changes(
        self, before: Files, after: Files, modes: Modes, rest: Files
    ) -> tuple[tuple[FileChange, ...], tuple[str, ...]]:
        told: dict[str, FileChange] = {}
        notes: list[str] = []
        links = {path for path, pair in modes.items() if any(map(is_link, pair))}
        paths = sorted(before.keys() | after.keys())
        sizes = {path: before.get(path, b"") + after.get(path, b"") for path in paths if path not in links}
        searched = _searched(rest, notes) if sizes else {}
        for batch in _batches(sizes):
            told.update(await self._read(batch, before, after, searched, notes))
        for path in (path for path in paths if path not in told):
            make = partial(link_change, modes=modes[path]) if path in links else partial(plain_change, why="")
            told[path] = make(path, before.get(path), after.get(path))
        for path, pair in modes.items():
            if path not in told:
                told[path] = mode_change(path, pair)
            elif path not in links:
                told[path] = with_mode(told[path], pair)
        return tuple(told[path] for path in sorted(told)), tuple(notes)

    async def _read(
        self, batch: Sequence[str], before: Files, after: Files, rest: Files, notes: list[str]
    ) -> dict[str, FileChange]:
        """Ask for all at once; where that breaks, for one after another, so that one file harms no other."""
        try:
            return await self._ask(batch, before, after, rest, self._call_s)
        except ExplainFailed as error:
            if len(batch) == 1:
                return _unread(batch[0], before, after, str(error), notes)
        told: dict[str, FileChange] = {}
        clock = asyncio.get_running_loop().time
        end = clock() + RETRIES_S
        for path in batch:
            limit_s = min(RETRY_S, self._call_s, end - clock())
            if limit_s <= 0:
                told.update(_unread(path, before, after, "no time is left", notes))
                continue
            try:
                told.update(await self._ask([path], before, after, rest, limit_s))
            except ExplainFailed as error:
                told.update(_unread(path, before, after, str(error), notes))
        return told

    async def _ask(
        self, batch: Sequence[str], before: Files, after: Files, rest: Files, limit_s: float
    ) -> dict[str, FileChange]:
        request = {
            "before": _pairs({path: before[path] for path in batch if path in before}),
            "after": _pairs({path: after[path] for path in batch if path in after}),
            "rest": _pairs(rest),
        }
        found = answers.as_changes(await self._call("changes", request, limit_s), batch)
        return {change.path: change for change in found}

    async def _canonical(self, files: Files) -> Mapping[str, str]:
        try:
            found = await self._call("canonical", {"files": _pairs(files)})
            digests: dict[str, str] = dict(answers.as_type(list[tuple[str, str]], found))
        except ExplainFailed:
            if len(files) == 1:
                return {}
            halves = list(files.items())
            middle = len(halves) // 2
            return {
                **await self._canonical(dict(halves[:middle])),
                **await self._canonical(dict(halves[middle:])),
            }
        return {path: digests[path][:200] for path in files if path in digests}

    async def _call(self, operation: str, arguments: Mapping[str, Any], limit_s: float | None = None) -> Any:
        return await self._worker.call(operation, arguments, self._call_s if limit_s is None else limit_s)


def _pairs(files: Files) -> list[tuple[str, bytes]]:
    return list(files.items())


def _searched(rest: Files, notes: list[str]) -> Files:
    """Return what of the unchanged files fits beside the changed ones, the small ones first."""
    kept: dict[str, bytes] = {}
    size = 0
    for path in sorted(rest, key=lambda each: len(rest[each])):
        size += len(rest[path])
        if size > REST_BYTES:
            notes.append(
                f"{len(rest) - len(kept)} large files were not searched for code that reads the program's text"
            )
            break
        kept[path] = rest[path]
    return kept


def _batches(files: Files) -> Iterable[list[str]]:
    """Yield paths in groups that fit a frame; those too large to be read are left out."""
    batch: list[str] = []
    size = 0
    for path, content in files.items():
        if len(content) > MOST_READ:
            continue
        if batch and size + len(content) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(content)
    if batch:
        yield batch


def _unread(path: str, before: Files, after: Files, why: str, notes: list[str]) -> dict[str, FileChange]:
    notes.append(f"{inert(path, 200)} is told by its size alone: {why}")
    return {path: plain_change(path, before.get(path), after.get(path), "could not be read as a program")}


def _late(paths: Sequence[str], changed: int) -> tuple[str, ...]:
    """Say for which files nobody was looked for."""
    if not paths:
        return ()
    names = ", ".join(inert(path, 200) for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
    return (f"no time was left to look for who wrote {len(paths)} of {changed} changed files: {names}",)


def _unknown(changes: tuple[FileChange, ...], notes: tuple[str, ...]) -> Explanation:
    paths = tuple(change.path for change in changes)
    return Explanation(changes, (Writer("", paths),), tuple(fact for each in changes for fact in each.facts), notes)


def _with_modes(
    writers: tuple[Writer, ...], unexplained: tuple[Fact, ...], changes: tuple[FileChange, ...], modes: Modes
) -> tuple[tuple[Writer, ...], tuple[Fact, ...]]:
    """No tool that is replayed changes a mode: whoever did is unknown."""
    facts = [fact for each in changes if each.path in modes for fact in each.facts[:1]]
    known = tuple(writer for writer in writers if writer.tool)
    unknown = {path: None for writer in writers if not writer.tool for path in writer.paths} | dict.fromkeys(modes)
    return (*known, Writer("", tuple(unknown))), (*facts, *(fact for fact in unexplained if fact not in facts))
