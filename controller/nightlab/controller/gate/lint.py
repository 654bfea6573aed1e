"""Runs ruff on a sealed tree inside its sandbox and tells which findings the base tree did not have.

ruff only reads: pinned, isolated from any config, without fixes and without noqa, so that an edit cannot hide a
finding. Launching and telling the author belong to `trial.walk` and the study.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from nightlab.controller.errors import LinkError
from nightlab.controller.model.site import EDITOR_UID, TOOLBOX
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding

# Code that cannot run as meant. Syntax errors are reported whatever is selected.
BLOCKING_RULES: Final = (
    "E902", "F404", "F406", "F407", "F501", "F502", "F503", "F505", "F506", "F507", "F508", "F509", "F521", "F524",
    "F525", "F621", "F622", "F631", "F632", "F633", "F634", "F701", "F702", "F704", "F706", "F707", "F722", "F821",
    "F822", "F823", "F901", "F405", "PLE0100", "PLE0101", "PLE0115", "PLE0117", "PLE0118", "PLE0604", "PLE0605",
    "PLE0704", "PLE1132", "PLE1142", "PLE1205", "PLE1206", "PLE1300", "PLE1307", "PLE1700",
)  # fmt: skip
RUFF: Final = f"{TOOLBOX}/bin/ruff"
RUFF_TARGETS: Final = ((3, 7), (3, 14))
LINT_TIMEOUT_S: Final = 60.0
ARGUMENT_BYTES: Final = 100_000  # of file names a call; the kernel takes 2 MiB with the environment
OUTPUT_BYTES: Final = 64 * 2**20


class ToolRunner(Protocol):
    """The part of a sandbox that runs a tool of the toolbox and collects what it prints."""

    async def run_tool(self, name: str, argv: Sequence[str], *, cwd: str, uid: int, timeout_s: float) -> bytes:
        """Return stdout of a tool that exited with 0; LinkError otherwise."""
        ...


def target_version(python: tuple[int, int] | None) -> str:
    """Return ruff's name of a Python version, the nearest one it knows; empty for an unknown interpreter."""
    if python is None:
        return ""
    low, high = RUFF_TARGETS
    major, minor = min(max(python, low), high)
    return f"py{major}{minor}"


def python_files(tree: Tree) -> tuple[str, ...]:
    """Return the files of a tree that ruff reads."""
    return tuple(entry.path for entry in tree.entries if entry.path.endswith(".py") and entry.mode != 0o120000)


async def lint(sandbox: ToolRunner, tree: Tree, *, root: str, python: tuple[int, int] | None) -> tuple[Finding, ...]:
    """Find what would block in a tree that lies at `root` of a sandbox.

    Raises:
        LinkError: ruff did not run, or its answer is not what ruff prints.
    """
    findings: list[Finding] = []
    for number, paths in enumerate(_batches(python_files(tree))):
        argv = [*_command(python), *(f"./{path}" for path in paths)]
        output = await sandbox.run_tool(f"ruff-{number}", argv, cwd=root, uid=EDITOR_UID, timeout_s=LINT_TIMEOUT_S)
        findings += parse_findings(output, root)
    return tuple(sorted(findings, key=lambda f: (f.path, f.line, f.column, f.code)))


def new_findings(findings: Iterable[Finding], base: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that the base tree does not have.

    Lines move, so a finding is the same if its code, file and message are; of several alike, the last are new.
    """
    known = Counter((f.code, f.path, f.message) for f in base)
    new = []
    for finding in findings:
        key = (finding.code, finding.path, finding.message)
        if known[key] > 0:
            known[key] -= 1
        else:
            new.append(finding)
    return tuple(new)


def parse_findings(output: bytes, root: str) -> list[Finding]:
    """Read ruff's JSON; it comes out of a sandbox, so nothing in it is believed to be well formed.

    Raises:
        LinkError: It is not a list of diagnostics.
    """
    try:
        return [_finding(item, root) for item in json.loads(output)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LinkError(f"ruff in the sandbox answered something that is no diagnostic: {error!r:.200}") from error


def _finding(item: dict[str, object], root: str) -> Finding:
    location = item.get("location") or {"row": 1, "column": 1}
    if not isinstance(location, dict):
        raise TypeError(f"a location that is a {type(location).__name__}")
    path = str(item.get("filename") or "")[:4096].removeprefix(root.rstrip("/") + "/")
    code = str(item.get("code") or item.get("name") or "invalid-syntax")[:40]
    return Finding(code, path, int(location["row"]), int(location["column"]), str(item["message"])[:1000])


def _command(python: tuple[int, int] | None) -> list[str]:
    target = target_version(python)
    return [
        RUFF, "check", "--isolated", "--no-fix", "--no-cache", "--ignore-noqa", "--exit-zero", "--quiet",
        "--output-format=json", f"--select={','.join(BLOCKING_RULES)}", "--config=exclude=[]",
        *([f"--target-version={target}"] if target else []), "--",
    ]  # fmt: skip


def _batches(paths: Sequence[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    size = 0
    for path in paths:
        if batch and size + len(path) > ARGUMENT_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(path.encode()) + 3
    if batch:
        yield batch
