"""Runs ruff on a sealed tree and says what it found, how much of the tree it read, and for which Python.

ruff only reads: pinned, isolated from any config, without fixes and without noqa, so that an edit cannot hide a
finding. Which findings block is decided in `gate.blocking`; launching and telling the author belong to `trial.walk`
and the study.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from nightlab.api.digest import SYMLINK
from nightlab.controller.errors import GateRejected, LinkError, SandboxLost
from nightlab.controller.gate.findings import locator, ordered, parse_findings
from nightlab.controller.gate.rules import BREAKS_RUFF, SELECTED
from nightlab.controller.gate.target import choose_target
from nightlab.controller.model.site import EDITOR_UID
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.text import inert

LINT_TIMEOUT_S: Final = 60.0
ARGUMENT_BYTES: Final = 500_000  # of file names a call; the kernel takes 2 MiB with the environment
ARGUMENT_FILES: Final = 4_000
MOST_BROKEN: Final = 5  # files that break ruff; beyond, it is ruff that is broken
PYTHON_SUFFIXES: Final = (".py", ".pyi", ".pyw", ".ipynb")
NOT_PYTHON: Final = (".sh", ".bash", ".toml", ".yaml", ".yml", ".json", ".cfg", ".ini", ".txt", ".md")


class ToolRunner(Protocol):
    """What runs a tool on a tree and collects what it prints: a sandbox, or a confined process of the host."""

    @property
    def ruff(self) -> str:
        """Path of the pinned ruff, where the tool runs."""
        ...

    async def run_tool(self, name: str, argv: Sequence[str], *, cwd: str, uid: int, timeout_s: float) -> bytes:
        """Return stdout of a tool that exited with 0; LinkError otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class LintReport:
    """What ruff says of a tree.

    Attributes:
        findings: By place; of the selected rules, weighed by nobody yet.
        linted_files: How many files ruff read.
        target_version: "py311".
        target_source: "the interpreter", "requires-python" or "nightlab".
        notes: For a person.
    """

    findings: tuple[Finding, ...]
    linted_files: int
    target_version: str
    target_source: str
    notes: tuple[str, ...] = ()


async def lint(
    tools: ToolRunner,
    tree: Tree,
    *,
    root: str,
    python: tuple[int, int] | None,
    entry_points: Sequence[str] = (),
    requires_python: str = "",
    allow: Sequence[str] = (),
) -> LintReport:
    """Find what might block in a tree that lies at `root`.

    Args:
        tools: Runs ruff.
        tree: What lies there; nothing else is read.
        root: Absolute.
        python: Of the interpreter that the training command resolves to.
        entry_points: Files that the training command starts; those that can be Python must be among the files read.
        requires_python: The repo's own word on its Python, used where the interpreter is unknown.
        allow: Rules that never block.

    Raises:
        GateRejected: An entry point was not read, so nothing can be said of the program.
        LinkError: ruff did not run, or its answer is not what ruff prints.
    """
    target, source = choose_target(python, requires_python)
    paths = python_files(tree, entry_points)
    _must_be_listed(entry_points, paths)
    if not paths:
        return LintReport((), 0, target, source, ("the tree has no Python file: ruff read nothing",))
    reader = _Reader(tools, root, target)
    for batch in _batches(paths):
        await reader.read(batch)
        _must_be_read([path for path in batch if path in entry_points], reader.seen)
    read = len(reader.seen)
    if not read:
        raise GateRejected(f"ruff read none of the {len(paths)} Python files of the tree, so nothing can be launched")
    kept = ordered(finding for finding in reader.findings if finding.code not in allow)
    return LintReport(kept, read, target, source, _notes(len(paths), read, allow))


def python_files(tree: Tree, entry_points: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the files of a tree that ruff is to read: Python by name, and entry points that may be Python."""
    started = {path for path in entry_points if not path.endswith(NOT_PYTHON)}
    files = (entry.path for entry in tree.entries if entry.mode != SYMLINK)
    return tuple(path for path in files if path.endswith(PYTHON_SUFFIXES) or path in started)


class _Reader:
    """Lets ruff read batches; one on which it breaks is halved until the file is found that breaks it."""

    def __init__(self, tools: ToolRunner, root: str, target: str) -> None:
        self.findings: list[Finding] = []
        self.seen: set[str] = set()
        self._tools = tools
        self._root = root
        self._target = target
        self._calls = 0
        self._broken = 0

    async def read(self, batch: Sequence[str]) -> None:
        """Add what a batch holds.

        Raises:
            LinkError: The sandbox is lost, or ruff breaks on more than a few files.
        """
        try:
            await self._call(batch)
        except SandboxLost:
            raise
        except LinkError:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self.read(batch[:middle])
                await self.read(batch[middle:])
                return
            self._broken += 1
            if self._broken > MOST_BROKEN:
                raise
            self.seen.add(batch[0])
            self.findings.append(
                Finding(BREAKS_RUFF, batch[0], 1, 1, "ruff breaks on this file: it may be nested too deeply")
            )

    async def _call(self, batch: Sequence[str]) -> None:
        """Check a batch, and ask ruff at the same time which of its files it reads at all."""
        options = ["--isolated", "--no-cache", "--config=exclude=[]", "--no-respect-gitignore"]
        checked, listed = await asyncio.gather(
            self._run("ruff", [*options, *_check_options(self._target)], batch),
            self._run("ruff-files", [*options, "--show-files"], batch),
        )
        findings = parse_findings(checked, self._root, batch)
        unreadable = {finding.path for finding in findings if finding.code == "E902"}
        self.findings += findings
        self.seen |= _listed(listed, batch, self._root) - unreadable

    async def _run(self, name: str, options: Sequence[str], batch: Sequence[str]) -> bytes:
        self._calls += 1
        argv = [self._tools.ruff, "check", *options, "--", *(f"./{path}" for path in batch)]
        job = f"{name}-{self._calls}"
        return await self._tools.run_tool(job, argv, cwd=self._root, uid=EDITOR_UID, timeout_s=LINT_TIMEOUT_S)


def _check_options(target: str) -> list[str]:
    return [
        "--no-fix", "--ignore-noqa", "--exit-zero", "--quiet", "--output-format=json-lines",
        "--preview", "--config=lint.explicit-preview-rules=true", f"--select={','.join(SELECTED)}",
        f"--target-version={target}",
    ]  # fmt: skip


def _listed(output: bytes, batch: Sequence[str], root: str) -> frozenset[str]:
    """Return which files of a batch ruff names, one a line."""
    text = "\n" + output.decode(errors="surrogateescape") + "\n"
    locate = locator(root, batch)
    found = {path for path in batch if "\n" in path and f"/{path}\n" in text}
    for line in text.split("\n"):
        with contextlib.suppress(ValueError):
            found.add(locate(line))
    return frozenset(found)


def _must_be_listed(entry_points: Sequence[str], paths: Sequence[str]) -> None:
    known = frozenset(paths)
    for path in entry_points:
        if not path.endswith(NOT_PYTHON) and path not in known:
            raise GateRejected(
                f"the training command starts {inert(path, 200)}, which is no file of the tree that ruff could read",
                hint="commit it, or name the file that is started in train.command",
            )


def _must_be_read(entry_points: Sequence[str], read: Collection[str]) -> None:
    for path in entry_points:
        if path not in read:
            raise GateRejected(
                f"ruff did not read {inert(path, 200)}, which the training command starts: nothing can be said of it",
                hint="is the file readable, and is it Python?",
            )


def _notes(asked: int, read: int, allow: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if read < asked:
        notes.append(f"ruff read {read} of {asked} Python files")
    if allow:
        notes.append(f"allowed by lint.allow: {', '.join(sorted(allow))}")
    return tuple(notes)


def _batches(paths: Sequence[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    size = 0
    for path in paths:
        length = len(path.encode(errors="surrogateescape")) + 3
        if batch and (size + length > ARGUMENT_BYTES or len(batch) >= ARGUMENT_FILES):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += length
    if batch:
        yield batch
