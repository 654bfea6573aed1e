"""Reads a sealed tree with ruff and makes sure that what ruff read is the seal.

What is done about findings belongs to `trial.walk`, what a drift is and taking it back to `trial.seal`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from nightlab.controller.errors import GateRejected, LinkError, SandboxLost
from nightlab.controller.gate.lint import LintReport, lint
from nightlab.controller.model.change import Drift
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.trial.seal import ROLLBACKS, Sealer, Verified
from nightlab.controller.trial.spawn import Live

NOTHING_READ: Final = LintReport((), 0, "", "")


async def read_and_verify(live: Live, tree: Tree, sealer: Sealer, site: Site) -> tuple[LintReport, Verified]:
    """Let ruff read the tree, then compare every byte; what ruff read of anything else does not count.

    Raises:
        GateRejected: ruff did not read what is launched.
        LinkError: ruff did not run, or the sandbox is lost.
    """
    drifts: list[Drift] = []
    for _ in range(ROLLBACKS + 1):
        report, failed = await _lint(live, tree, site)
        verified = await sealer.verify(live, tree)
        drifts += [drift for drift in verified.drifts if drift not in drifts]
        if verified.drift:
            return NOTHING_READ, replace(verified, drifts=tuple(drifts))
        if not verified.drifts:
            if failed is not None:
                raise failed
            return report, replace(verified, drifts=tuple(drifts))
    paths = tuple(change.path for change in drifts[-1].explanation.changes)
    return NOTHING_READ, Verified(drifts=tuple(drifts), drift=paths)  # somebody writes again and again


async def _lint(live: Live, tree: Tree, site: Site) -> tuple[LintReport, GateRejected | LinkError | None]:
    try:
        return await lint(live, tree, root=site.workspace, python=site.python), None
    except SandboxLost:
        raise
    except (GateRejected, LinkError) as error:
        return NOTHING_READ, error  # ruff may have met what is no tree any more
