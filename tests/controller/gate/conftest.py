"""The real ruff and the real worker, without a container."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from ruff import find_ruff_bin

from nightlab.controller.errors import LinkError
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.gate.blocking import Blocking, blocking
from nightlab.controller.gate.lint import LintReport, lint
from nightlab.controller.gate.related import edit_of
from nightlab.controller.model.tree import Entry, Tree


class HostRuff:
    """Runs the pinned ruff on a directory of the host, as the sandbox does on the sealed tree."""

    ruff = find_ruff_bin()

    async def run_tool(self, name: str, argv: Sequence[str], *, cwd: str, uid: int, timeout_s: float) -> bytes:
        done = await asyncio.to_thread(subprocess.run, argv, cwd=cwd, capture_output=True, check=False, timeout=60)
        if done.returncode:
            raise LinkError(f"{argv[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
        return done.stdout


class Gate:
    """Lints trees that lie in directories of their own, and says what blocks."""

    def __init__(self, directory: Path, explainer: Explainer) -> None:
        self._directory = directory
        self._explainer = explainer
        self.contents: dict[str, bytes] = {}
        self._count = 0

    def tree(self, files: Mapping[str, str]) -> Tree:
        """Return a tree of files."""
        entries = []
        for path, text in files.items():
            content = text.encode()
            sha256 = hashlib.sha256(content).hexdigest()
            self.contents[sha256] = content
            entries.append(Entry(path, 0o100644, len(content), sha256))
        return Tree.of(entries)

    async def read(self, files: Mapping[str, str], entry_points: Sequence[str] = ()) -> LintReport:
        """Let ruff read files."""
        self._count += 1
        root = self._directory / str(self._count)
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return await lint(HostRuff(), self.tree(files), root=str(root), python=(3, 11), entry_points=entry_points)

    async def block(self, before: Mapping[str, str], after: Mapping[str, str], allow: Sequence[str] = ()) -> Blocking:
        """Return what keeps `after` from being launched where `before` is the base."""
        base, tree = self.tree(before), self.tree(after)
        edit = edit_of(base, tree, self.contents.__getitem__)
        known, found = (await self.read(before)).findings, (await self.read(after)).findings
        return await blocking(found, known, edit, self._explainer, allow=allow)


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    """Return a gate on the host; its worker ends with the test."""
    async with Explainer() as explainer:
        yield Gate(tmp_path, explainer)
