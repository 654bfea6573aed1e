"""Seals a tree in a sandbox, and makes sure right before the launch and after the run that it is what lies there.

Whatever else wrote meanwhile is taken back without asking who was right; it is told as a drift. Only where it cannot be
taken back is nothing launched.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from nightlab.controller.config.schema import Train
from nightlab.controller.errors import CommandFailed, StoreError
from nightlab.controller.gate.roots import import_roots
from nightlab.controller.gate.shadow import SHADOWING_SHOWN, Imports, Shadow
from nightlab.controller.gate.verify import (
    IMPORTABLE,
    REREAD_BYTES,
    Deviation,
    added_importable,
    deviation,
    drifted,
)
from nightlab.controller.link.values import SealCheck
from nightlab.controller.model.change import Drift, Where
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import TrialSpec
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.trial.draft import Author, Draft
from nightlab.controller.trial.drift import FILE_BYTES, Explains, Taken, Teller, take_out, worth_taking
from nightlab.controller.trial.spawn import Live

log: Final = structlog.get_logger()
ROLLBACKS: Final = 3
MENDABLE: Final = frozenset({"MISMATCH", "NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class Verified:
    """What lies inside right before the launch.

    Attributes:
        digest: Of the sealed paths as they are inside; empty if they are not what was sealed.
        stamp: Of the check that found them so.
        drifts: What was taken back, or could not be.
        drift: Paths that could not be put back.
    """

    digest: str = ""
    stamp: str = ""
    drifts: tuple[Drift, ...] = ()
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AfterRun:
    """What lies inside after the run.

    Attributes:
        drift: Sealed paths that changed, also those that were put back.
        drifts: The same, explained.
        shadows: Files that hide others from Python.
        added_importable: Every other importable file that the run left.
        notes: What could not be checked.
    """

    drift: tuple[str, ...] = ()
    drifts: tuple[Drift, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    added_importable: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


class Sealer:
    """Seals trees of one site.

    Args:
        site: Where they run.
        blobs: Their contents; without it a content that was damaged on the host fails the attempt.
        explainer: Says what a drift is.
        passing: A directory of the host through which drifted files are taken out.
        base: The base tree, of which others than the walk read.
    """

    def __init__(
        self, site: Site, blobs: BlobStore | None, explainer: Explains | None, passing: Path, base: Tree | None = None
    ) -> None:
        self._site = site
        self._base = base
        self._blobs = blobs
        self._passing = passing
        self._teller = Teller(blobs, explainer, site)

    async def seal(self, live: Live, tree: Tree) -> tuple[Drift, ...]:
        """Write the tree into the workspace; mend contents that were damaged on the host since they were committed.

        Raises:
            StoreError: A content is damaged and cannot be had again.
            CommandFailed: It cannot be written.
        """
        told = await self._mended_before(tree)
        return (*told, *await self._mending(tree, lambda: live.seal(tree)))

    async def _mending(self, tree: Tree, put: Callable[[], Awaitable[object]]) -> tuple[Drift, ...]:
        """Put a tree into a sandbox; where a content of it was damaged on the host, mend that and put it again."""
        try:
            await put()
            return ()
        except CommandFailed as error:
            if self._blobs is None or error.failure not in MENDABLE:
                raise
            drift = await self._mend(tree)
            if drift is None:
                raise
        await put()
        return (drift,)

    async def _mended_before(self, tree: Tree) -> tuple[Drift, ...]:
        """Tell of contents that somebody who read them, to propose or to fix, found damaged and had put back."""
        if self._blobs is None:
            return ()
        entries = [*tree.entries, *(self._base.entries if self._base is not None else ())]
        untold = self._blobs.take_untold({entry.sha256 for entry in entries})
        read = {entry.path: entry for entry in reversed(entries) if entry.sha256 in untold}
        if not read:
            return ()
        drift = await self._damage(Tree.of(read.values()), {path: untold[read[path].sha256] for path in read})
        return (replace(drift, written=tuple(e for e in drift.written if read[e.path] == tree.by_path.get(e.path))),)

    async def _mend(self, tree: Tree) -> Drift | None:
        assert self._blobs is not None
        damaged: dict[str, bytes] = {}
        for entry in tree.entries:
            if not await asyncio.to_thread(self._blobs.is_whole, entry.sha256):
                damaged[entry.path] = await asyncio.to_thread(self._blobs.mend, entry.sha256, entry.path)
                log.warning("transfer.mended", path=entry.path, sha256=entry.sha256)
        return await self._damage(tree, damaged) if damaged else None

    async def _damage(self, tree: Tree, damaged: Mapping[str, bytes]) -> Drift:
        shown = {path: content for path, content in damaged.items() if 0 < len(content) < FILE_BYTES}
        facts = dict.fromkeys(damaged.keys() - shown.keys(), "its stored content was damaged or missing")
        found = {path: tree.by_path[path] for path in damaged}
        return await self._teller.tell(Where.TRANSFER, tree, found, sorted(damaged), Taken(shown, facts), undone=True)

    def draft(self, live: Live, spec: TrialSpec, train: Train, author: Author) -> Draft:
        """Return a draft of the spec's tree in a container of its own.

        Raises:
            StoreError: There is nowhere to keep what the author writes.
        """
        if self._blobs is None:
            raise StoreError("a walk without a blob store has nowhere to keep edits", hint="give TrialWalk its blobs")
        return Draft(
            live,
            spec.tree,
            train,
            env=spec.env,
            author=author,
            blobs=self._blobs,
            teller=self._teller,
            passing=self._passing,
            mending=self._mending,
        )

    async def verify(self, live: Live, tree: Tree) -> Verified:
        """Compare everything inside with the seal, and put back what is not, three times at most.

        Raises:
            LinkError: The sandbox is lost or answers nonsense.
        """
        drifts: list[Drift] = []
        for attempt in range(ROLLBACKS + 1):
            check, differing = await self._look(live, tree)
            if not differing:
                digest = Tree.of(check.sealed).digest
                return Verified(digest, check.stamp, tuple(drifts))
            drift = await self._tell(live, Where.SEALED, tree, check, differing.paths, undone=True)
            is_back = attempt < ROLLBACKS and await self._put_back(live, tree, differing)
            if drift not in drifts:
                drifts.append(drift)
            if not is_back:
                break
        drifts[-1] = replace(drifts[-1], is_rolled_back=False)
        return Verified("", "", tuple(drifts), differing.paths)

    async def _look(self, live: Live, tree: Tree) -> tuple[SealCheck, Deviation]:
        check = await live.sandbox.check_seal(
            self._site.workspace, suffixes=IMPORTABLE, reread_bytes=REREAD_BYTES, all_added=True
        )
        differing = deviation(
            tree, self._site.seeded, check.sealed, check.added, check.odd, is_partial=check.is_partial
        )
        return check, differing

    async def _put_back(self, live: Live, tree: Tree, differing: Deviation) -> bool:
        try:
            await live.seal(tree, removed=differing.removable, clear=True)
        except CommandFailed as error:
            log.warning("seal.not_put_back", paths=len(differing.paths), reason=str(error))
            return False
        log.warning("seal.put_back", paths=len(differing.paths), first=differing.paths[0])
        return True

    async def _tell(
        self, live: Live, where: Where, tree: Tree, check: SealCheck, paths: Sequence[str], *, undone: bool
    ) -> Drift:
        found = {entry.path: entry for entry in (*check.sealed, *check.added)}
        files = worth_taking(tree, [entry for path in paths if (entry := found.get(path)) is not None])
        taken = await take_out(live.sandbox, self._site.workspace, files, self._passing)
        return await self._teller.tell(where, tree, found, paths, taken, undone=undone)

    async def digest_inside(self, live: Live, tree: Tree) -> str:
        """Return the digest of what lies inside, without touching it; empty if it is not what was sealed."""
        check = await live.sandbox.check_seal(self._site.workspace, suffixes=IMPORTABLE, reread_bytes=REREAD_BYTES)
        return "" if drifted(tree, check.sealed) else tree.digest

    # After the run

    async def after(self, live: Live, spec: TrialSpec, stamp: str) -> AfterRun:
        """Look whether what ran was what was sealed, from beginning to end.

        Args:
            live: The container, its run over.
            spec: What ran.
            stamp: Of the check before the launch; empty if that is not known.

        Raises:
            LinkError: The sandbox is lost or answers nonsense.
        """
        check = await live.sandbox.check_seal(
            self._site.workspace, suffixes=IMPORTABLE, reread_bytes=REREAD_BYTES, since=stamp
        )
        changed = tuple(sorted({*drifted(spec.tree, check.sealed), *check.odd}))
        touched = tuple(path for path in check.touched or () if path not in changed)
        added = self._added(spec.tree, check)
        return AfterRun(
            drift=(*changed, *touched),
            drifts=await self._after_drifts(live, spec.tree, check, changed, touched),
            shadows=await self._shadows(live, spec, added),
            added_importable=added_importable(spec.tree, self._site.seeded, added),
            notes=_after_notes(check, stamp),
        )

    def _added(self, tree: Tree, check: SealCheck) -> list[Entry]:
        known = tree.by_path.keys() | set(self._site.seeded)
        return [entry for entry in (*check.sealed, *check.added) if entry.path not in known]

    async def _after_drifts(
        self, live: Live, tree: Tree, check: SealCheck, changed: Sequence[str], touched: Sequence[str]
    ) -> tuple[Drift, ...]:
        drifts = []
        if changed:
            drifts.append(await self._tell(live, Where.RUN, tree, check, changed, undone=False))
        if touched:
            taken = Taken({}, dict.fromkeys(touched, "was changed and put back while it ran"))
            found = {entry.path: entry for entry in check.sealed}
            drifts.append(await self._teller.tell(Where.RUN, tree, found, touched, taken, undone=False))
        return tuple(drifts)

    async def _shadows(self, live: Live, spec: TrialSpec, added: Sequence[Entry]) -> tuple[Shadow, ...]:
        site = self._site
        known = {*spec.tree.by_path, *site.seeded}
        roots = import_roots(
            spec.argv, spec.env, cwd=spec.cwd, workspace=site.workspace, search_path=site.search_path, known=known
        )
        imports = Imports(known, roots, frozenset(site.modules) or sys.stdlib_module_names)
        found = [shadow for entry in added if (shadow := imports.shadow(entry.path)) is not None]
        path_files = [shadow.path for shadow in found if shadow.path.endswith(".pth")]
        texts = await self._texts(live, path_files) if path_files else frozenset()
        return tuple(s for s in found if not s.path.endswith(".pth") or s.path in texts)[:SHADOWING_SHOWN]

    async def _texts(self, live: Live, paths: Sequence[str]) -> frozenset[str]:
        """Return those that Python would read as path files; a checkpoint of that name is binary."""
        site = self._site
        taken = await take_out(live.sandbox, site.workspace, paths, self._passing, uid=site.uid, gid=site.gid)
        return frozenset(path for path, content in taken.contents.items() if _is_text(content))


def _is_text(content: bytes) -> bool:
    """Whether there is a line for Python; a mark without content has none, and a checkpoint is binary."""
    try:
        return b"\0" not in content and content.decode().strip() != ""
    except UnicodeDecodeError:
        return False


def _after_notes(check: SealCheck, stamp: str) -> tuple[str, ...]:
    notes = []
    if not stamp or check.touched is None:
        notes.append("whether a sealed file was changed and put back during the run could not be checked")
    if check.is_partial:
        notes.append("the run left more files than are looked at for shadowing")
    return tuple(notes)
