"""The gate on any working tree: the checks of a study in the order of a study, without one.

Reads the tree once and judges what it read; at the end the tree is read again, and what changed meanwhile is told. Each
check is a module of its own; how it is shown belongs to `report.gate_page`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from nightlab.controller.config.load import FILE_NAME, load_config
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.inspection.bench import SmokeBench, smoke_bench
from nightlab.controller.inspection.entry import entry_of
from nightlab.controller.inspection.fixing import Fixed, fix_copy, write_fixes
from nightlab.controller.inspection.linting import Linted, lint_subject
from nightlab.controller.inspection.seal import drifts_since
from nightlab.controller.inspection.smoke import Smoked, smoke_run
from nightlab.controller.inspection.subject import Subject, take
from nightlab.controller.inspection.twins import twin_check
from nightlab.controller.model.change import Drift, Explanation
from nightlab.controller.model.trial import Ending, GateReport
from nightlab.controller.report.gate_view import BaseView, Check, CheckState, InspectionView, SinceView
from nightlab.controller.report.gate_words import count

Note = Callable[[str], None]
HEAD: Final = "HEAD"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a gate on a working tree.

    Attributes:
        path: The directory.
        base: A commit; empty: the one checked out, or nothing where there is none.
        fix: As `[lint] fix`; None: the config's.
        format: As `[lint] format`; None: the config's.
        select: As `[lint] select`; empty: the config's.
        all_files: Fix and format every Python file, not only those that differ from the base.
        write: Write what is let through into the working tree.
        smoke: Run the smoke run of the config in a container.
        python: The interpreter's version; None: what the repo asks for.
        entry: Files that the training command starts; empty: those that the config's command names.
    """

    path: Path
    base: str = ""
    fix: Literal["off", "safe", "all"] | None = None
    format: bool | None = None
    select: tuple[str, ...] = ()
    all_files: bool = False
    write: bool = False
    smoke: bool = False
    python: tuple[int, int] | None = None
    entry: tuple[str, ...] = ()


async def inspect(wanted: Wanted, *, note: Note) -> InspectionView:
    """Put a working tree through the gate.

    Args:
        wanted: What is asked.
        note: Told what takes long.

    Raises:
        RepoError: The directory cannot be read, or the base does not exist.
        ConfigError: There is a nightlab.toml and it is wrong, or `smoke` is asked for without one.
        EngineError: `smoke` is asked for and the engine failed.
    """
    began = time.monotonic()
    config = load_config(wanted.path) if (wanted.path / FILE_NAME).is_file() else None
    subject = await take(wanted.path, wanted.base)
    entry = entry_of(subject, config, wanted.entry)
    async with AsyncExitStack() as stack:
        explainer = await stack.enter_async_context(Explainer())
        linted = await lint_subject(subject, config, explainer, python=wanted.python, entry=entry)
        explanation = await explain_base(subject, explainer, wanted.python)
        twins = await twin_check(subject, explainer)
        bench, why_none = await _bench(stack, subject, config, wanted, linted, note)
        smoked = await smoke_run(bench, why_none)
        runs = smoked.report is not None and smoked.report.ending is Ending.FINISHED
        fixed = await fix_copy(subject, config, explainer, wanted, bench if runs else None)
        drifts = await drifts_since(subject, explainer)
    written = write_fixes(subject, fixed, may_write=wanted.write and not drifts and not linted.new)
    gate = _gate(subject, linted, fixed, smoked, drifts)
    checks = (*linted.checks, *fixed.checks, twins, smoked.check, _seal_check(drifts, subject))
    return InspectionView(
        path=str(subject.root),
        base=base_view(subject, wanted.base or HEAD),
        files=len(subject.paths),
        checks=checks,
        gate=gate,
        explanation=explanation,
        sources=linted.sources,
        written=written,
        wall_s=time.monotonic() - began,
    )


async def _bench(
    stack: AsyncExitStack, subject: Subject, config: Config | None, wanted: Wanted, linted: Linted, note: Note
) -> tuple[SmokeBench | None, str]:
    """Open the place for smoke runs, or say why there is none."""
    if not wanted.smoke:
        return None, "--smoke makes one"
    if config is None:
        raise ConfigError(f"a smoke run needs a {FILE_NAME}", hint=f"`nightlab init {subject.root}` writes one")
    if linted.new:
        return None, "ruff's findings come first"
    return await stack.enter_async_context(smoke_bench(subject, config, note)), ""


async def since(path: Path, base: str, *, python: tuple[int, int] | None = None) -> SinceView:
    """Say what changed between a commit and the working tree, and who did it.

    Raises:
        RepoError: The directory cannot be read, is not in a clone, or the commit does not exist.
    """
    began = time.monotonic()
    subject = await take(path, base)
    async with Explainer() as explainer:
        explanation = await explain_base(subject, explainer, python)
    return SinceView(str(subject.root), base_view(subject, base), explanation, (), time.monotonic() - began)


async def explain_base(subject: Subject, explainer: Explainer, python: tuple[int, int] | None) -> Explanation:
    """Say what differs from the base and who made it so; nothing without a base."""
    if subject.revision is None or not subject.touched:
        return Explanation()
    before, after = subject.sides()
    found = await explainer.explain(
        before,
        after,
        paths=subject.paths,
        python=python,
        repo_config=subject.configs(),
        modes=subject.modes(),
        rest=subject.rest(),
    )
    return found.with_untold(subject.unread())


def base_view(subject: Subject, name: str) -> BaseView:
    """Name what a subject is compared with."""
    if subject.revision is None:
        return BaseView(why_none=subject.why_no_base)
    return BaseView(name, subject.revision.commit)


def _gate(subject: Subject, linted: Linted, fixed: Fixed, smoked: Smoked, drifts: tuple[Drift, ...]) -> GateReport:
    return GateReport(
        blocking=linted.new,
        inherited=linted.inherited,
        digest_outside=subject.tree.digest,
        digest_inside="" if drifts else subject.tree.digest,
        target_version=linted.target_version,
        target_source=linted.target_source,
        linted_files=linted.files,
        drifts=drifts,
        smoke=smoked.report,
        fixes=fixed.fixes,
        notes=(*linted.notes, *fixed.notes),
    )


def _seal_check(drifts: tuple[Drift, ...], subject: Subject) -> Check:
    if drifts:
        return Check("seal", "seal", CheckState.FAILED, "something wrote meanwhile")
    return Check("seal", "seal", CheckState.PASSED, f"{count(len(subject.paths), 'file')}, {subject.tree.digest[:12]}")
