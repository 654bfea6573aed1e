"""Lints a working tree on the host with the gate's own rules: what is new against the base blocks.

The rules, the comparison and what ruff is told are `gate.lint`'s; here are only the copies that it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.api.digest import SYMLINK
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import GateRejected
from nightlab.controller.gate.findings import new_findings
from nightlab.controller.gate.lint import LintReport, lint, python_files
from nightlab.controller.inspection.entry import Entry
from nightlab.controller.inspection.host_tools import HostTools
from nightlab.controller.inspection.subject import Files, Subject
from nightlab.controller.model.tree import Entry as TreeEntry
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.report.gate_view import Check, CheckState
from nightlab.controller.report.gate_words import count, some

LINE_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Linted:
    """What the lint says.

    Attributes:
        new: Findings that the base does not have.
        inherited: Those that it has.
        files: How many ruff read.
        target_version: "py311".
        target_source: Where that is from.
        sources: The line of each new finding, "train.py:41" -> text.
        checks: "ruff", "entry-point" and "repo-config".
        notes: For a person.
    """

    new: tuple[Finding, ...]
    inherited: tuple[Finding, ...]
    files: int
    target_version: str
    target_source: str
    sources: Mapping[str, str]
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()


async def lint_subject(
    subject: Subject, config: Config | None, *, python: tuple[int, int] | None, entry: Entry
) -> Linted:
    """Lint a working tree, and its base where the tree has findings.

    Raises:
        RepoError: A file cannot be copied.
        LinkError: ruff did not run.
    """
    async with HostTools() as tools:
        report, unread = await _lint_tree(subject, config, tools, python, entry)
        base: tuple[Finding, ...] = ()
        if report.findings and subject.revision is not None:
            tree, files = _earlier(subject)
            root = tools.write("base", files)
            base = (await lint(tools, tree, root=root, python=python, allow=_allowed(config))).findings
    new = new_findings(report.findings, base)
    return Linted(
        new=new,
        inherited=new_findings(report.findings, new),
        files=report.linted_files,
        target_version=report.target_version,
        target_source=report.target_source,
        sources=_sources(subject, new),
        checks=(_ruff_check(new, report.linted_files), _entry_check(entry, unread), _config_check(subject)),
        notes=(*report.notes, *filter(None, [unread])),
    )


async def _lint_tree(
    subject: Subject, config: Config | None, tools: HostTools, python: tuple[int, int] | None, entry: Entry
) -> tuple[LintReport, str]:
    """Lint the working tree; with why the entry point was not read, where that is so."""
    paths = python_files(subject.tree, entry.paths)
    root = tools.write("tree", {p: c for p in paths if (c := subject.content(p)) is not None})
    allow, unread = _allowed(config), ""
    try:
        report = await lint(tools, subject.tree, root=root, python=python, entry_points=entry.paths, allow=allow)
    except GateRejected as error:
        unread = str(error)
        report = await lint(tools, subject.tree, root=root, python=python, allow=allow)
    return report, unread


def _allowed(config: Config | None) -> tuple[str, ...]:
    return config.lint.allow if config is not None else ()


def _earlier(subject: Subject) -> tuple[Tree, Files]:
    """Return the base's Python files: those that differ from the commit, the others from the working tree."""
    revision = subject.revision
    assert revision is not None
    paths = [path for path, mode in revision.modes.items() if path.endswith(".py") and mode != SYMLINK]
    changed = set(revision.changed)
    found = {path: revision.contents.get(path) if path in changed else subject.content(path) for path in paths}
    files = {path: content for path, content in found.items() if content is not None}
    return Tree.of(TreeEntry(path, revision.modes[path], len(content), "") for path, content in files.items()), files


def _sources(subject: Subject, findings: Iterable[Finding]) -> dict[str, str]:
    """Return the lines that findings are on, as ruff counts them."""
    lines: dict[str, list[str]] = {}
    told = {}
    for finding in findings:
        if finding.path.endswith(".ipynb"):
            continue  # ruff counts lines of its cells
        if finding.path not in lines:
            text = (subject.content(finding.path) or b"").decode(errors="replace").removeprefix("\ufeff")
            lines[finding.path] = re.split(r"\r\n|\n|\r", text)
        if 0 < finding.line <= len(lines[finding.path]):
            told[f"{finding.path}:{finding.line}"] = lines[finding.path][finding.line - 1][:LINE_CHARS]
    return told


def _ruff_check(new: Sequence[Finding], files: int) -> Check:
    name = "ruff, blocking set"
    if new:
        return Check("ruff", name, CheckState.FAILED, count(len(new), "new finding"))
    if not files:
        return Check("ruff", name, CheckState.SKIPPED, "no Python file")
    return Check("ruff", name, CheckState.PASSED, count(files, "file"))


def _entry_check(entry: Entry, unread: str) -> Check:
    name = "entry point read"
    if unread:
        return Check("entry-point", name, CheckState.FAILED, some(entry.paths, 2))
    if not entry.paths:
        return Check("entry-point", name, CheckState.SKIPPED, entry.why_none)
    return Check("entry-point", name, CheckState.PASSED, some(entry.paths, 2))


def _config_check(subject: Subject) -> Check:
    name = "repo's own ruff config"
    return Check("repo-config", name, CheckState.SKIPPED, "none")
