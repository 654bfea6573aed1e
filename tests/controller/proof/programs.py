"""Programs of the lint corpus, run by this interpreter: what a tool makes of them, and what a run of them shows."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nightlab.controller.model.change import Writer
from nightlab.controller.model.trial import Ending, SmokeReport
from nightlab.controller.proof.hunks import Files
from nightlab.controller.proof.observation import Observation

CORPUS = Path(__file__).parents[2] / "lint-corpus" / "corpus"
TOOLS = Path(sys.executable).parent
ENV = {
    **os.environ,
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "XDG_CONFIG_HOME": "/nowhere",
}
LIMIT_S = 60.0


@dataclass(frozen=True)
class CorpusCase:
    """One case."""

    name: str
    facts: Mapping[str, Any]

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The program and what it needs."""
        folder = CORPUS / self.name
        found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "case.toml")
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    @property
    def edit(self) -> bytes:
        """What the author appends after the fix was made."""
        return str(self.facts.get("agent_edit_after_lint", "")).encode()

    def fixed(self, files: Files, arguments: Sequence[str] | None = None) -> dict[str, bytes]:
        """What the case's tool makes of its program, or of another one in its place."""
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), files)
            for words in [arguments or self.facts["ruff_args"], self.facts.get("then_ruff_args")]:
                if words:
                    tool = self.facts.get("tool", "ruff")
                    program = sys.executable if tool == "python" else str(TOOLS / tool)
                    command = [program, *words, *self.facts["targets"]]
                    subprocess.run(command, cwd=folder, env=ENV, capture_output=True, timeout=LIMIT_S)
            return read(Path(folder), files)


def cases(kind: str) -> list[CorpusCase]:
    """All cases of a kind."""
    read_cases = (
        CorpusCase(path.parent.name, tomllib.loads(path.read_text())) for path in sorted(CORPUS.glob("*/case.toml"))
    )
    return [case for case in read_cases if case.facts["kind"] == kind]


def write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def read(folder: Path, files: Files) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in files if (folder / path).is_file()}


@dataclass
class Program:
    """A program that this interpreter runs, and how often it did."""

    rest: Mapping[str, bytes]
    entry: str = "before.py"
    runs: int = 0

    async def observe(self, files: Files) -> Observation:
        """Run it once with some of its files as given."""
        self.runs += 1
        return await asyncio.to_thread(self._observe, {**self.rest, **files})

    def _observe(self, files: Files) -> Observation:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), files)
            done = subprocess.run(
                [sys.executable, "-u", self.entry],
                cwd=folder,
                env=ENV,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=LIMIT_S,
            )
        lines = done.stdout.decode(errors="replace").splitlines()
        ending = Ending.FINISHED if done.returncode == 0 else Ending.FAILED
        reason = "" if done.returncode == 0 else f"exit code {done.returncode}: {(lines or [''])[-1]}"
        report = SmokeReport(ending, reason, run_s=time.monotonic() - began, exit_code=done.returncode)
        return Observation.of(report, lines)


class RuffAgain:
    """Makes fixes of ruff again, and tells what is Python, in this process: the programs are our own."""

    async def canonical(self, files: Files) -> Mapping[str, str]:
        return {path: _canonical(path, content) for path, content in files.items()}

    async def redo(
        self, before: Files, writer: Writer, *, rules: Sequence[str] | None = None, **_settings: Any
    ) -> Files:
        chosen = writer.rules if rules is None else rules
        flags = [f"--{word}" for word in ("unsafe-fixes", "preview") if word.partition("-")[0] in writer.applicability]
        words = ["check", "--fix-only", "--isolated", "--no-cache", "--select", ",".join(chosen), *flags]
        return await asyncio.to_thread(self._redone, before, [*words, *writer.settings])

    def _redone(self, before: Files, words: Sequence[str]) -> Files:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), before)
            command = [str(TOOLS / "ruff"), *words, *(path for path in before if path.endswith(".py"))]
            subprocess.run(command, cwd=folder, env=ENV, capture_output=True, timeout=LIMIT_S)
            after = read(Path(folder), before)
        return {path: content for path, content in after.items() if content != before[path]}


def _canonical(path: str, content: bytes) -> str:
    import ast

    try:
        return "python:" + hashlib.sha256(ast.dump(ast.parse(content)).encode()).hexdigest()
    except (SyntaxError, ValueError):
        return "bytes:" + hashlib.sha256(content).hexdigest()
