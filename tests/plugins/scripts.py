"""Five training scripts by different hands, what plugins make of them, and what happens when they run.

The edits that are expected lie beside the scripts as diffs; NIGHTLAB_WRITE_GOLDEN=1 writes them anew.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import runpy
import subprocess
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nightlab.api.params import complete
from nightlab.sdk import Action, Context, Edits, Unmet

FOLDER = Path(__file__).parents[1] / "data" / "training"
NAMES = ("argparse_function", "flat_constants", "image_classifier", "nano", "trainer_class")


def script(name: str) -> str:
    return (FOLDER / f"{name}.py").read_text()


def applied(action: Action, files: dict[str, str], **arguments: Any) -> dict[str, str]:
    """Check and apply an action as a host does; return all files."""
    ws = Edits(files)
    assert action.check(ws, Context()).applicable
    action.apply(ws, complete(dict(action.schema), arguments), Context())
    return files | {path: (new or b"").decode() for path, new in ws.changes().items()}


def edited(action: Action, text: str, **arguments: Any) -> str:
    return applied(action, {"train.py": text}, **arguments)["train.py"]


def expect_golden(action: Action, name: str, **arguments: Any) -> str:
    """Compare an action's edit with the one on file; a second call must give the same bytes."""
    text = script(name)
    new = edited(action, text, **arguments)
    assert edited(action, text, **arguments) == new
    lines = [each.splitlines(keepends=True) for each in (text, new)]
    diff = "".join(difflib.unified_diff(*lines, f"a/{name}.py", f"b/{name}.py", n=1))
    golden = FOLDER / "edits" / f"{name}.{action.name}.diff"
    if os.environ.get("NIGHTLAB_WRITE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(diff)
    assert diff == golden.read_text()
    return new


def expect_as_clean(before: str, after: str, folder: Path) -> None:
    """No finding of ruff's F rules that was not there before."""
    findings = []
    for name, text in (("before.py", before), ("after.py", after)):
        (folder / name).write_text(text)
        command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "--output-format", "concise"]
        result = subprocess.run([*command, name], cwd=folder, capture_output=True, text=True, check=False)
        assert result.returncode in (0, 1), result.stderr
        findings.append(sorted(line.split(" ", 1)[1] for line in result.stdout.splitlines() if line.startswith(name)))
    assert findings[1] == findings[0]


def rejection(action: Action, text: str) -> str:
    """Why an action does not fit a script."""
    with pytest.raises(Unmet) as caught:
        action.check(Edits({"train.py": text}), Context())
    (note,) = caught.value.notes
    assert note.pointer == "" or note.summary.startswith(note.pointer)
    return note.summary


@dataclass
class Run:
    """What a script did.

    Attributes:
        output: What it printed.
        gradients: Of all parameters, at each step of the optimizer.
        groups: The optimizer's parameter groups: number of dimensions of each parameter, and weight decay.
        saved: Bytes that autograd was asked to keep for backward, in all.
        peak: The most of these that were kept at one time.
        types: Names of the types of what was kept.
    """

    output: str = ""
    gradients: list[list[Any]] = field(default_factory=list)
    groups: list[tuple[list[int], float]] = field(default_factory=list)
    saved: int = 0
    peak: int = 0
    types: set[str] = field(default_factory=set)
    kept: int = 0


def run(text: str, folder: Path, *, double: bool = True) -> Run:
    """Run a script in this process.

    Args:
        text: It.
        folder: To write it to.
        double: Whether numbers are of 64 bits, so that only rounding of the 16th digit tells two runs apart.
    """
    torch = pytest.importorskip("torch")
    path = folder / "train.py"
    path.write_text(text)
    seen, output = Run(), io.StringIO()
    argv, sys.argv = sys.argv, [str(path)]
    try:
        with (
            _default_type(torch, double),
            _steps_seen(seen),
            _saving_seen(torch, seen),
            contextlib.redirect_stdout(output),
        ):
            runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = argv
    seen.output = output.getvalue()
    assert seen.gradients, "no optimizer stepped"
    return seen


def same_gradients(one: Run, other: Run) -> bool:
    torch = pytest.importorskip("torch")
    assert len(one.gradients) == len(other.gradients) > 1
    pairs = zip(one.gradients, other.gradients, strict=True)
    return all(torch.allclose(a, b, rtol=1e-9, atol=1e-12) for x, y in pairs for a, b in zip(x, y, strict=True))


@contextlib.contextmanager
def _default_type(torch: Any, double: bool) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if double else torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def _steps_seen(seen: Run) -> Iterator[None]:
    hooks = pytest.importorskip("torch.optim.optimizer")

    def before_step(optimizer: Any, *_: Any) -> None:
        seen.gradients.append(
            [p.grad.clone() for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
        )
        seen.groups = [([p.dim() for p in g["params"]], g["weight_decay"]) for g in optimizer.param_groups]

    handle = hooks.register_optimizer_step_pre_hook(before_step)
    try:
        yield
    finally:
        handle.remove()


class _Kept:
    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor


@contextlib.contextmanager
def _saving_seen(torch: Any, seen: Run) -> Iterator[None]:
    def drop(size: int) -> None:
        seen.kept -= size

    def pack(tensor: Any) -> _Kept:
        size = tensor.numel() * tensor.element_size()
        kept = _Kept(tensor)
        seen.types.add(str(tensor.dtype))
        seen.saved, seen.kept = seen.saved + size, seen.kept + size
        seen.peak = max(seen.peak, seen.kept)
        weakref.finalize(kept, drop, size)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        yield
