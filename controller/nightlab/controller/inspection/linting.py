"""Lints a working tree on the host with the gate's own rules: what is new against the base blocks.

The rules, the comparison and what ruff is told are `gate.lint`'s; here are only the copies that it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.config.units import show_bytes
from nightlab.controller.errors import GateRejected
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.explain.orders import Files
from nightlab.controller.gate.blocking import blocking, certain
from nightlab.controller.gate.lint import LintReport, lint, python_files
from nightlab.controller.gate.related import edit_of
from nightlab.controller.gate.repo_config import RepoConfig, is_setting, read_repo_config
from nightlab.controller.inspection.contents import KEPT_BYTES, TOTAL_BYTES
from nightlab.controller.inspection.entry import Entry
from nightlab.controller.inspection.host_tools import HostTools
from nightlab.controller.inspection.subject import Subject
from nightlab.controller.model.tree import Entry as TreeEntry
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.report.gate_view import Check, CheckState
from nightlab.controller.report.gate_words import count, some
from nightlab.controller.text import inert

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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What ruff is told of both trees."""

    python: tuple[int, int] | None
    requires_python: str
    allow: tuple[str, ...]


async def lint_subject(
    subject: Subject, config: Config | None, explainer: Explainer, *, python: tuple[int, int] | None, entry: Entry
) -> Linted:
    """Lint a working tree, and its base where the tree has findings.

    Raises:
        RepoError: A file cannot be copied.
        LinkError: ruff did not run.
    """
    settings = _settings(subject)
    async with HostTools() as tools:
        asked = _Asked(python, settings.requires_python, _allowed(config))
        report, unread = await _lint_tree(subject, tools, asked, entry)
        base: tuple[Finding, ...] = ()
        tree, files = _earlier(subject)
        if report.findings and files:
            root = tools.write("base", files)
            base = (await _lint(tools, _readable(tree, subject), root, asked)).findings
    edit = edit_of(tree, subject.tree, lambda sha256: subject.contents.get(sha256) or b"")
    blocked = await blocking(report.findings, base, edit, explainer, allow=_allowed(config))
    return Linted(
        new=blocked.findings,
        inherited=certain(base),
        files=report.linted_files,
        target_version=report.target_version,
        target_source=report.target_source,
        sources=_sources(subject, blocked.findings),
        checks=(
            _ruff_check(blocked.findings, report.linted_files),
            _entry_check(entry, unread),
            _config_check(settings),
        ),
        notes=(*report.notes, *blocked.notes, *settings.notes, *_too_large(subject, entry), *filter(None, [unread])),
    )


def _readable(tree: Tree, subject: Subject) -> Tree:
    """Return a tree without what was too large to be kept: ruff is shown copies only."""
    return Tree.of(entry for entry in tree.entries if subject.contents.keeps(entry.sha256))


def _too_large(subject: Subject, entry: Entry) -> Iterable[str]:
    """Say which Python files ruff was not shown."""
    by_path = subject.tree.by_path
    lost = [path for path in python_files(subject.tree, entry.paths) if subject.content(path) is None]
    if large := [inert(path, 200) for path in lost if by_path[path].size > KEPT_BYTES]:
        yield f"ruff did not read {some(large)}: larger than {show_bytes(KEPT_BYTES)}"
    if late := [inert(path, 200) for path in lost if by_path[path].size <= KEPT_BYTES]:
        yield f"ruff did not read {some(late)}: all files together are larger than {show_bytes(TOTAL_BYTES)}"


async def _lint_tree(subject: Subject, tools: HostTools, asked: _Asked, entry: Entry) -> tuple[LintReport, str]:
    """Lint the working tree; with why the entry point was not read, where that is so."""
    paths = python_files(subject.tree, entry.paths)
    root = tools.write("tree", {p: c for p in paths if (c := subject.content(p)) is not None})
    tree = _readable(subject.tree, subject)
    try:
        return await _lint(tools, tree, root, asked, entry.paths), ""
    except GateRejected as error:
        return await _lint(tools, tree, root, asked, ()), str(error)


async def _lint(tools: HostTools, tree: Tree, root: str, asked: _Asked, entry_points: Sequence[str] = ()) -> LintReport:
    return await lint(
        tools,
        tree,
        root=root,
        python=asked.python,
        entry_points=entry_points,
        requires_python=asked.requires_python,
        allow=asked.allow,
    )


def _allowed(config: Config | None) -> tuple[str, ...]:
    return config.lint.allow if config is not None else ()


def _earlier(subject: Subject) -> tuple[Tree, Files]:
    """Return the base's tree and its Python files; nothing without a base."""
    revision = subject.revision
    if revision is None:
        return Tree(()), {}
    same = revision.modes.keys() - set(revision.changed)
    entries = {path: entry for path, entry in subject.tree.by_path.items() if path in same}
    for path, content in revision.contents.items():
        entries[path] = TreeEntry(path, revision.modes[path], len(content), subject.contents.put(content))
    tree = Tree.of(entries.values())
    paths = python_files(tree)
    return tree, {p: c for p in paths if (c := subject.contents.get(entries[p].sha256)) is not None}


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


def _config_check(config: RepoConfig) -> Check:
    name = "repo's own ruff config"
    if config.unread:
        return Check("repo-config", name, CheckState.SKIPPED, f"{config.unread} cannot be read")
    if config.path:
        return Check("repo-config", name, CheckState.PASSED, f"{config.path}, data only")
    return Check("repo-config", name, CheckState.SKIPPED, "none")


def _settings(subject: Subject) -> RepoConfig:
    paths = (path for path in subject.paths if is_setting(path))
    return read_repo_config({path: content for path in paths if (content := subject.content(path)) is not None})
