"""The gate of one attempt: ruff reads the sealed tree, then every byte is compared with the seal before the launch.

What ruff read of anything but the sealed tree does not count: where something had been written it reads again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nightlab.controller.config.schema import Config
from nightlab.controller.errors import GateRejected, LinkError, SandboxLost
from nightlab.controller.gate.blocking import Blocking
from nightlab.controller.gate.lint import LintReport, lint
from nightlab.controller.model.change import Drift
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import GateReport
from nightlab.controller.trial.judging import Judge
from nightlab.controller.trial.seal import ROLLBACKS, Sealer, Verified
from nightlab.controller.trial.spawn import Live


@dataclass(frozen=True, slots=True)
class Passed:
    """What the gate says.

    Attributes:
        report: For the outcome.
        stamp: Of the check right before the launch; empty if nothing may be launched.
        reason: Why nothing may be launched, where the report's own lists do not say it.
    """

    report: GateReport
    stamp: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the tree may be launched."""
        return not (self.report.blocking or self.report.drift or self.reason)


class Gate:
    """Stands before the launches of one site.

    Args:
        config: The study's.
        site: Where trials run.
        sealer: Compares and puts back.
        judge: Says which findings keep a tree from being launched.
        entry_points: Files that the training command starts.
        requires_python: The repo's own word on its Python, for where the site knows no interpreter.
    """

    def __init__(
        self,
        config: Config,
        site: Site,
        sealer: Sealer,
        judge: Judge,
        entry_points: Sequence[str] = (),
        *,
        requires_python: str = "",
    ) -> None:
        self._config = config
        self._site = site
        self._sealer = sealer
        self._judge = judge
        self._entry_points = tuple(entry_points)
        self._requires_python = requires_python

    async def look(self, live: Live, tree: Tree, transferred: tuple[Drift, ...]) -> Passed:
        """Read and compare a tree that was sealed.

        Args:
            live: Where it lies.
            tree: What was sealed.
            transferred: What was mended on its way into the container.

        Raises:
            LinkError: The sandbox is lost or answers nonsense.
        """
        drifts = list(transferred)
        for _ in range(ROLLBACKS + 1):
            read = await self._read(live, tree)
            judged = await self._judge.judge(tree, read.findings) if isinstance(read, LintReport) else None
            verified = await self._sealer.verify(live, tree)
            drifts += [drift for drift in verified.drifts if drift not in drifts]
            if verified.drift:
                return self._closed(tree, drifts, verified.drift)
            if not verified.drifts:
                return self._weigh(tree, read, judged, verified, tuple(drifts))
        return self._closed(tree, drifts, tuple(change.path for change in drifts[-1].explanation.changes))

    async def _read(self, live: Live, tree: Tree) -> LintReport | LinkError | GateRejected:
        try:
            return await lint(
                live,
                tree,
                root=self._site.workspace,
                python=self._site.python,
                entry_points=self._entry_points,
                requires_python=self._requires_python,
                allow=self._config.lint.allow,
            )
        except SandboxLost:
            raise
        except (LinkError, GateRejected) as error:
            return error  # ruff may have met what is no tree any more

    def _weigh(
        self,
        tree: Tree,
        read: LintReport | LinkError | GateRejected,
        judged: Blocking | None,
        verified: Verified,
        drifts: tuple[Drift, ...],
    ) -> Passed:
        report = GateReport(
            inherited=self._judge.inherited,
            digest_outside=tree.digest,
            digest_inside=verified.digest,
            drifts=drifts,
        )
        if isinstance(read, LinkError):
            raise read
        if isinstance(read, GateRejected) or judged is None:
            return Passed(report, reason=str(read))
        weighed = replace(
            report,
            blocking=judged.findings,
            target_version=read.target_version,
            target_source=read.target_source,
            linted_files=read.linted_files,
            notes=(*read.notes, *judged.notes),
        )
        return Passed(weighed, verified.stamp)

    def _closed(self, tree: Tree, drifts: list[Drift], paths: tuple[str, ...]) -> Passed:
        """Somebody writes again and again, or what was written cannot be taken back."""
        last = replace(drifts[-1], is_rolled_back=False)
        report = GateReport(
            inherited=self._judge.inherited,
            digest_outside=tree.digest,
            drift=paths,
            drifts=(*drifts[:-1], last),
        )
        return Passed(report)
