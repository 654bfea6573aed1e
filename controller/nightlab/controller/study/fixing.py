"""Makes the fixes and formats that the user wants, on a copy of what an action changed, each as an edit of its own.

What leaves the program as it is is applied. What may change its behaviour is held back until paired smoke runs saw no
difference for the very same lines; an author in quarantine is never asked again. Making and applying fixes belongs to
`explain`.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import structlog

from nightlab.api.globs import matches_any
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import NightlabError
from nightlab.controller.explain.applying import Applied, FixedCopy
from nightlab.controller.explain.orders import Files, FixOrder, MadeFix, tool_configs
from nightlab.controller.model.change import FileChange, Fix, FixState
from nightlab.controller.model.tree import Tree, diff_trees
from nightlab.controller.store import ApprovalRecord, ProofKind, ProofState
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.scribe import Scribe

log: Final = structlog.get_logger()
PYTHON: Final = (".py", ".pyi")
KEYED_CHARS: Final = 48 * 1024  # a longer diff may have been cut; lines that are not seen cannot be approved
FIX_FILES: Final = 200
FIX_BYTES: Final = 8 * 2**20
FIX_S: Final = 60.0  # after which what was made is enough: a launch waits for it
Allow = Callable[[MadeFix], str]


class Maker(Protocol):
    """Makes fixes in a process of its own; see `explain.explainer.Explainer`."""

    async def fixes(
        self, files: Files, order: FixOrder, *, paths: Sequence[str] = (), repo_config: Files | None = None
    ) -> tuple[MadeFix, ...]:
        """Make the wanted fixes of some files, one author after another."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One applied fix: who made it, the tree after it, what it did in one line."""

    author: str
    tree: Tree
    summary: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A tree after the wanted fixes.

    Attributes:
        tree: With every fix that was applied or let through.
        steps: The edits that lead to it, in order.
        fixes: What became of each wanted fix.
    """

    tree: Tree
    steps: tuple[Step, ...] = ()
    fixes: tuple[Fix, ...] = ()

    @property
    def held_back(self) -> tuple[Fix, ...]:
        """Fixes that wait for a proof or were refused by one."""
        return tuple(fix for fix in self.fixes if fix.state is FixState.HELD_BACK)


class Fixer:
    """Makes the wanted fixes of one study."""

    def __init__(
        self, config: Config, scribe: Scribe, editor: Editor, maker: Maker | None, python: tuple[int, int] | None
    ) -> None:
        self._config = config
        self._scribe = scribe
        self._editor = editor
        self._maker = maker if config.lint.fix != "off" or config.lint.format else None
        self._python = python

    @property
    def is_wanted(self) -> bool:
        """Whether the user asked for any fix or format."""
        return self._maker is not None

    async def fix(self, tree: Tree, base: Tree) -> Fixed:
        """Fix the files of a tree that differ from another, letting through what was approved."""
        paths = [c.path for c in diff_trees(base, tree) if c.after is not None]
        return await self.fix_files(tree, paths, self.approved)

    async def fix_files(self, tree: Tree, paths: Sequence[str], allow: Allow) -> Fixed:
        """Fix some files of a tree; a worker that breaks on them costs the fixes, never the trial.

        Args:
            tree: The tree.
            paths: Files of it, those that matter most first; what the config keeps from edits is left out.
            allow: Says why a fix that may change behaviour is let through; empty: it is not.
        """
        wanted = self._wanted(tree, paths) if self._maker is not None else {}
        if self._maker is None or not wanted:
            return Fixed(tree)
        try:
            copy = await self._fixed_copy(self._maker, tree, wanted, allow)
        except NightlabError as error:
            log.warning("fixes.failed", reason=str(error))
            self._scribe.note("fix", f"the wanted fixes could not be made: {error}")
            return Fixed(tree)
        held = (Fix(m.author, m.effect, FixState.HELD_BACK, m.changes, self._why_held(m)) for m in copy.held)
        applied = (Fix(a.made.author, a.made.effect, a.state, a.made.changes, a.reason) for a in copy.applied)
        steps = tuple(self._steps(tree, copy.applied))
        return Fixed(steps[-1].tree if steps else tree, steps, (*applied, *held))

    async def _fixed_copy(self, maker: Maker, tree: Tree, wanted: Files, allow: Allow) -> FixedCopy:
        copy = FixedCopy(wanted)
        paths = tuple(tree.by_path)
        make = partial(
            maker.fixes,
            order=self._order(),
            paths=paths,
            repo_config=self._editor.files(tree, frozenset(tool_configs(paths))),
        )

        async def let_through(made: MadeFix, _contents: Files) -> str:
            return allow(made)

        await copy.fix(make, let_through, limit_s=FIX_S)
        return copy

    def _steps(self, tree: Tree, applied: Sequence[Applied]) -> Iterator[Step]:
        """Yield the tree after each fix."""
        for each in applied:
            tree = self._editor.with_files(tree, each.files)
            yield Step(each.made.author, tree, summary_of(each.made.author, each.made.changes))

    def quarantined(self) -> frozenset[str]:
        """Return the authors whose fixes are not made."""
        return frozenset(record.author for record in self._scribe.store.quarantined())

    # What is let through

    def approved(self, made: MadeFix) -> str:
        """Return why the very same fix is let through: the words of the proofs of its hunks."""
        known = {(a.author, a.path, a.digest): a.reason for a in self._scribe.store.approvals(self._scribe.study_id)}
        reasons = [known.get(key, "") for key in keys_of(made.author, made.changes)]
        return reasons[0] if reasons and all(reasons) else ""

    def _why_held(self, made: MadeFix) -> str:
        """Say why a fix is held back: what a proof saw of it, else why it may change behaviour."""
        mine = set(keys_of(made.author, made.changes))
        for proof in reversed(self._scribe.store.proofs(self._scribe.study_id)):
            theirs = (key for fix in proof.fixes for key in keys_of(fix.author, fix.changes) if key in mine)
            told = proof.kind is ProofKind.FIX and proof.state is ProofState.SETTLED and any(theirs)
            if told and (proof.differs is None or made.author in proof.guilty):
                return f"{made.reason}; paired smoke runs: {proof.evidence}".removeprefix("; ")
        if not self._config.smoke.enabled:
            return f"{made.reason}; without [smoke] nothing can show that it does not".removeprefix("; ")
        return made.reason

    def _order(self) -> FixOrder:
        lint = self._config.lint
        return FixOrder(lint.fix, lint.format, lint.select, self.quarantined(), self._python)

    def _wanted(self, tree: Tree, paths: Sequence[str]) -> dict[str, bytes]:
        """Return contents of the Python files among some paths, as many as a worker is given at once."""
        entries = [tree.by_path[path] for path in paths if self._may_edit(path)][:FIX_FILES]
        sizes = itertools.accumulate(entry.size for entry in entries)
        chosen = {e.path for e, size in zip(entries, sizes, strict=True) if size <= FIX_BYTES}
        return self._editor.files(tree, chosen)

    def _may_edit(self, path: str) -> bool:
        train = self._config.train
        is_open = matches_any(path, train.editable) and not matches_any(path, train.protected)
        return path.endswith(PYTHON) and is_open


def summary_of(author: str, changes: Sequence[FileChange]) -> str:
    """Say in one line what a fix did."""
    facts = [fact for change in changes for fact in change.facts]
    return f"{author}: {facts[0]}" + (f" and {len(facts) - 1} more" if len(facts) > 1 else "") if facts else author


def keys_of(author: str, changes: Sequence[FileChange]) -> tuple[tuple[str, str, str], ...]:
    """Return the keys by which a fix is known on another tree: author, path, digest of removed and added lines.

    Empty where the lines cannot all be seen; such a fix cannot be approved.
    """
    if any(not change.diff or len(change.diff) > KEYED_CHARS for change in changes):
        return ()
    return tuple((author, change.path, _lines_digest(change.diff)) for change in changes)


def approvals_of(study_id: str, fix: Fix, reason: str) -> Iterator[ApprovalRecord]:
    """Yield the rows that let a fix through from now on."""
    for author, path, digest in keys_of(fix.author, fix.changes):
        yield ApprovalRecord(study_id, author, path, digest, reason)


def _lines_digest(diff: str) -> str:
    """Digest of a diff's removed and added lines, wherever they stand in the file."""
    first_hunk = diff.split("\n@@ ", 1)[-1].split("\n")[1:]  # without the rest of its header, which has line numbers
    changed = (line for line in first_hunk if line[:1] in ("+", "-"))
    return hashlib.sha256("\n".join(changed).encode(errors="surrogatepass")).hexdigest()
