"""Which findings of a sealed tree keep it from being launched, against the base tree of the study.

The rules and the second look are `gate.blocking`'s; here the contents are found that it looks at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from nightlab.controller.gate.blocking import Blocking, blocking, certain
from nightlab.controller.gate.findings import new_findings
from nightlab.controller.gate.related import READ_BYTES, edit_of
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.trial.drift import Explains

UNWEIGHED: Final = "no base tree was given: only what blocks by ruff's word alone was looked for"


class Judge:
    """Compares with one base tree.

    Args:
        base: The base tree; None: nothing is weighed.
        findings: What ruff finds in it.
        blobs: Contents of trees.
        explainer: Takes the second look.
        allow: Rules that never block.
    """

    def __init__(
        self,
        base: Tree | None,
        findings: Sequence[Finding],
        blobs: BlobStore | None,
        explainer: Explains | None,
        allow: Sequence[str] = (),
    ) -> None:
        self._base = base
        self._findings = tuple(findings)
        self._blobs = blobs
        self._explainer = explainer
        self._allow = tuple(allow)

    @property
    def inherited(self) -> tuple[Finding, ...]:
        """What the base tree had already."""
        return certain(self._findings)

    async def judge(self, tree: Tree, findings: Sequence[Finding]) -> Blocking:
        """Return what is new against the base tree and bites."""
        blobs, explainer = self._blobs, self._explainer
        if self._base is None or blobs is None or explainer is None:
            return Blocking(certain(new_findings(findings, self._findings)), (UNWEIGHED,))
        base = self._base
        edit = await asyncio.to_thread(edit_of, base, tree, lambda sha256: blobs.read(sha256, READ_BYTES))
        return await blocking(findings, self._findings, edit, explainer, allow=self._allow)
