"""Finds out whether a change does anything, and the smallest part of it that does: rules first, then their edits.

Order of the search: a change after which a file cannot be read as what it is needs no run; known tools before what no
tool explains; of a tool its rules; of a rule its edits. Telling and acting on it belong to `study`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from nightlab.controller.model.change import UNKNOWN, Writer
from nightlab.controller.proof.ddmin import Exhausted, ddmin
from nightlab.controller.proof.hunks import Files, Hunk, diff_text, hunks_between, with_hunks
from nightlab.controller.proof.paired import MOST_RUNS, Observe, PairedRuns
from nightlab.controller.proof.suspicion import Place, pointed_places, touches
from nightlab.controller.text import inert

SAME_PROGRAM_WEIGHT: Final = 0.05  # of a rule whose fix leaves the same program: it is tried last
POINTED_WEIGHT: Final = 20.0  # of one at a line that the failed run's traceback names: it is tried first
BYTES: Final = "bytes:"
MOST_CULPRITS: Final = 3


class Explains(Protocol):
    """What is asked of the worker that reads code."""

    async def canonical(self, files: Files) -> Mapping[str, str]:
        """Return a digest per path, "bytes:..." where a file is not what its name says."""

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
        """Make a known writer's change again; return what comes out another way."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What paired runs found out about a change.

    Attributes:
        differs: None: cannot tell, and `evidence` says why.
        runs: Runs of the program that it took.
        guilty: Authors of the smallest part that makes the difference: "ruff:SIM108", "formatter:black" or "unknown".
        hunks: That part as a unified diff.
        evidence: What differed first, or in what no difference was seen; never "equivalent".
        wall_s: Of the whole search.
        is_minimal: Whether the search came to its end within its runs and its time.
    """

    differs: bool | None
    runs: int
    guilty: tuple[str, ...]
    hunks: str
    evidence: str
    wall_s: float
    is_minimal: bool = True


@dataclass(frozen=True, slots=True)
class Suspect:
    """One thing that a known tool did: a rule of a writer, or the whole of one without rules."""

    writer: int
    author: str
    rule: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """A change to be looked into.

    Attributes:
        before: Contents of what differs, before.
        after: The same, after.
        writers: Who made it, as explained; known tools in the order in which they are made again.
        paths: All paths of the tree.
        python: Of the interpreter that runs the program.
        repo_config: The repo's settings of the tools, data for the replay.
    """

    before: Files
    after: Files
    writers: tuple[Writer, ...] = ()
    paths: tuple[str, ...] = ()
    python: tuple[int, int] | None = None
    repo_config: Files | None = None

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """What the known tools did, piece by piece."""
        found: list[Suspect] = []
        for number, writer in enumerate(self.writers):
            if writer.rules:
                found += [Suspect(number, f"ruff:{rule}", rule) for rule in writer.rules]
            elif writer.tool:
                found.append(Suspect(number, writer.author, None))
        return tuple(found)


async def find_culprit(
    case: Case,
    observe: Observe,
    explainer: Explains,
    *,
    most_runs: int = MOST_RUNS,
    deadline_s: float | None = None,
) -> Proof:
    """Look into a change.

    Args:
        case: The change.
        observe: Runs the program once, on a fixed seed.
        explainer: Makes known tools' changes again, and tells what cannot be read.
        most_runs: Runs of the program in all.
        deadline_s: From now, after which no further run begins.

    Raises:
        EngineError, LinkError: The machine failed, which is no difference; ask again.
        ExplainFailed: The worker broke.
    """
    began = time.monotonic()
    hunt = _Hunt(case, PairedRuns(observe, case.before, most_runs=most_runs, deadline_s=deadline_s), explainer)
    return await hunt.run(began)


class _Hunt:
    def __init__(self, case: Case, runs: PairedRuns, explainer: Explains) -> None:
        self._case = case
        self._runs = runs
        self._explainer = explainer
        self._readable: frozenset[str] = frozenset()
        self._by_reading = False  # whether "cannot be read" is the difference that is looked for
        self._is_minimal = True
        self._pointed: frozenset[Place] = frozenset()

    async def run(self, began: float) -> Proof:
        case = self._case
        if (
            case.python is None or case.python <= sys.version_info[:2]
        ):  # else it may be this interpreter that is too old
            self._readable = await self._read(case.before)
        differs, evidence = await self._whole()
        guilty: tuple[str, ...] = ()
        hunks = ""
        if differs:
            try:
                guilty, hunks = await self._narrow()
            except Exhausted:
                self._is_minimal = False
                guilty, hunks = tuple(dict.fromkeys(w.author for w in case.writers)), diff_text(case.before, case.after)
        return Proof(differs, self._runs.runs, guilty, hunks, evidence, time.monotonic() - began, self._is_minimal)

    async def _whole(self) -> tuple[bool | None, str]:
        broken = await self._broken(self._case.after)
        if broken:
            self._by_reading = True
            return True, f"{inert(', '.join(sorted(broken)[:3]))} cannot be read any more (a syntax error)"
        try:
            found = await self._runs.compare(self._case.after)
        except Exhausted:
            return None, "the runs or the time that were given did not do"
        if seen := self._runs.seen(self._case.after):
            case = self._case
            self._pointed = await asyncio.to_thread(pointed_places, seen.lines, case.before, case.after)
        return found.differs, found.evidence

    async def _narrow(self) -> tuple[tuple[str, ...], str]:
        """Known tools are looked into first; what no tool explains is guilty if they alone make no difference."""
        suspects, case = self._case.suspects, self._case
        known = await self._made(suspects)
        if suspects and (known == dict(case.after) or await self._fails(known)):
            return await self._guilty_tools(suspects)
        base = known if suspects else dict(case.before)
        return (UNKNOWN,), await self._smallest_edit(base, case.after)

    async def _guilty_tools(self, suspects: Sequence[Suspect]) -> tuple[tuple[str, ...], str]:
        """Find a smallest guilty set, then whether the rest still makes a difference without it."""
        guilty: list[Sequence[Suspect]] = []
        rest = list(suspects)
        while rest and len(guilty) < MOST_CULPRITS:
            found = await self._smallest_guilty(rest)
            if guilty and not self._is_minimal:
                break  # what is found half-way accuses the innocent; that there is more is told
            guilty.append(found)
            rest = [suspect for suspect in rest if suspect not in found]
            if not rest or not await self._still_fails(rest):
                break
        texts = [await self._smallest_edit(self._case.before, await self._made(found)) for found in guilty]
        return tuple(dict.fromkeys(suspect.author for found in guilty for suspect in found)), "".join(texts)

    async def _smallest_guilty(self, suspects: Sequence[Suspect]) -> tuple[Suspect, ...]:
        weights = {suspect: await self._weight(suspect) for suspect in suspects}
        ranked = sorted(suspects, key=lambda suspect: -weights[suspect])
        return await ddmin(ranked, self._suspects_fail, weights=[weights[suspect] for suspect in ranked])

    async def _still_fails(self, rest: Sequence[Suspect]) -> bool | None:
        try:
            return await self._suspects_fail(rest)
        except Exhausted:
            return None

    async def _smallest_edit(self, base: Files, target: Files) -> str:
        """Return as a diff the smallest part of an edit that still makes a difference; the edit itself is known to."""
        hunks = await asyncio.to_thread(hunks_between, base, target)
        weights = [POINTED_WEIGHT if touches([hunk], self._pointed) else 1.0 for hunk in hunks]

        async def fails(part: Sequence[Hunk]) -> bool | None:
            return await self._fails(with_hunks(base, part))

        smallest = with_hunks(base, await ddmin(hunks, fails, weights=weights))
        return await asyncio.to_thread(diff_text, base, smallest)

    # Variants

    async def _suspects_fail(self, part: Sequence[Suspect]) -> bool | None:
        return await self._fails(await self._made(part))

    async def _made(self, part: Sequence[Suspect]) -> dict[str, bytes]:
        """Make again what some suspects did, each writer once, in their order."""
        case = self._case
        files = dict(case.before)
        for number, writer in enumerate(case.writers):
            chosen = [suspect for suspect in part if suspect.writer == number]
            if not chosen:
                continue
            rules = [suspect.rule for suspect in chosen if suspect.rule is not None]
            files |= await self._explainer.redo(
                files,
                writer,
                rules=rules if len(rules) < len(writer.rules) else None,
                paths=case.paths,
                python=case.python,
                repo_config=case.repo_config,
            )
        return files

    async def _weight(self, suspect: Suspect) -> float:
        """Say how likely it is guilty, from what its change alone would be; it costs no run."""
        alone = await self._made([suspect])
        if touches(await asyncio.to_thread(hunks_between, self._case.before, alone), self._pointed):
            return POINTED_WEIGHT
        before, after = [await self._explainer.canonical(files) for files in (self._case.before, alone)]
        return SAME_PROGRAM_WEIGHT if before == after else 1.0

    async def _fails(self, files: Files) -> bool | None:
        """Say whether a variant makes the difference; one that cannot be read tells nothing and is not run."""
        broken = await self._broken(files)
        if self._by_reading:
            return bool(broken)
        if broken:
            return None
        try:
            return (await self._runs.compare(files)).differs
        except Exhausted:
            self._is_minimal = False
            raise

    # What can be read

    async def _read(self, files: Files) -> frozenset[str]:
        found = await self._explainer.canonical(files)
        return frozenset(path for path, digest in found.items() if not digest.startswith(BYTES))

    async def _broken(self, files: Files) -> frozenset[str]:
        """Name the files that could be read before the change and cannot now."""
        return (self._readable & files.keys()) - await self._read(files)
