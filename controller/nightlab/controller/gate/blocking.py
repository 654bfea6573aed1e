"""Decides which findings keep a tree from being launched: those that bite and that the base tree does not have.

ruff's word comes from `gate.lint`; the second look at it, and nightlab's own rules, run in the explainer's worker, on
the files that an edit changed. A worker that breaks costs the second look, not the gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from nightlab.controller.errors import ExplainFailed
from nightlab.controller.explain.orders import Files
from nightlab.controller.gate.findings import new_findings, ordered
from nightlab.controller.gate.rules import WEIGHED, needs_weighing
from nightlab.controller.model.trial import Finding

MOST_WEIGHED: Final = 5_000


class Weighs(Protocol):
    """Takes a second look at findings; `explain.explainer.Explainer`."""

    async def weigh(
        self, files: Files, looked_at: Sequence[str], found: Sequence[Finding], *, paths: Sequence[str] = ()
    ) -> tuple[Finding, ...]:
        """Return those that bite and nightlab's own; ExplainFailed where that cannot be done."""
        ...


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit made of the base tree, as far as Python files go.

    Attributes:
        before: Contents of the Python files that differ, in the base tree; a path that is missing is new.
        after: The same in the tree; a path that is missing is gone.
        rest: Unchanged Python files that the changed ones import or that import them; see `gate.related`.
        paths: All paths of the tree.
        renamed: Path in the tree -> path in the base tree, of files that moved.
        callers: Those of `rest` that import a changed file.
    """

    before: Files
    after: Files
    rest: Files
    paths: Sequence[str] = ()
    renamed: Mapping[str, str] | None = None
    callers: Sequence[str] = ()

    @property
    def looked_at(self) -> frozenset[str]:
        """Files in which something may be new: changed ones, and those that may call them."""
        return frozenset((*self.before, *self.after, *self.callers))


@dataclass(frozen=True, slots=True)
class Blocking:
    """What keeps a tree from being launched.

    Attributes:
        findings: By place; empty: nothing does.
        notes: What could not be found out.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


async def blocking(
    findings: Sequence[Finding], base: Sequence[Finding], edit: Edit, explainer: Weighs, *, allow: Sequence[str] = ()
) -> Blocking:
    """Return what is new against the base tree and bites.

    Args:
        findings: Of the tree, as `lint` returns them.
        base: Of the base tree, as `lint` returns them.
        edit: What differs.
        explainer: Takes the second look.
        allow: Rules that never block; of nightlab's own ones too.
    """
    if not (edit.before or edit.after):
        return Blocking(tuple(f for f in new_findings(findings, base, edit.renamed) if f.code not in WEIGHED))
    try:
        after = await _bites(findings, edit.after, edit, explainer)
        before = await _bites(base, edit.before, edit, explainer)
    except ExplainFailed as error:
        certain = (
            f for f in new_findings(findings, base, edit.renamed) if f.code not in WEIGHED and f.code not in allow
        )
        return Blocking(tuple(certain), (f"findings that need a second look did not get it: {error}",))
    new = new_findings(after, before, edit.renamed)
    return Blocking(ordered(finding for finding in new if finding.code not in allow))


def certain(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings that are listed of a base tree: those that block by ruff's word alone."""
    return tuple(finding for finding in findings if finding.code not in WEIGHED)


async def _bites(findings: Sequence[Finding], changed: Files, edit: Edit, explainer: Weighs) -> tuple[Finding, ...]:
    """Weigh what is in files where something may be new; elsewhere ruff's word cancels out, and is kept as it is."""
    files = {**edit.rest, **changed}
    here = sorted(edit.looked_at & files.keys())
    doubted = [f for f in findings if needs_weighing(f.code) and f.path in edit.looked_at]
    settled = [f for f in findings if not (needs_weighing(f.code) and f.path in edit.looked_at)]
    asked = [f for f in doubted if f.path in files][:MOST_WEIGHED]
    return (*settled, *await explainer.weigh(files, here, asked, paths=edit.paths))
