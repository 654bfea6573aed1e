"""Reads a training step as one that can run on parts of its batch: what is cut, what is gathered, what moves."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.gradient_accumulation.additive import refuse_coupled
from nightlab.plugins.hyperparameter.names import words
from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.training.kinds import BATCH, PLAIN, ROWS, Env
from nightlab.plugins.training.loops import Step, only_step, training_step
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.rows import Rows
from nightlab.plugins.training.script import Script, stored
from nightlab.plugins.training.workspace import Scripts

_LEAVES: Final = ast.Return | ast.Yield | ast.YieldFrom | ast.Raise | ast.Break | ast.Continue | ast.Await
_COUNTS: Final = frozenset({"accum", "accumulate", "accumulation", "micro", "microbatch"})


@dataclass(frozen=True)
class Parts:
    """A step that can run on parts of its batch.

    Attributes:
        step: It.
        cut: Expressions that read a tensor of the whole batch, in the order of the file; at least one.
        zeroing: Statements between the loss and backward() that clear gradients; they must come before.
        between: Other statements between the loss and backward(); they stay behind it.
        gathered: Outputs that are read behind the step, by name.
    """

    step: Step
    cut: tuple[ast.expr, ...]
    zeroing: tuple[ast.stmt, ...]
    between: tuple[ast.stmt, ...]
    gathered: tuple[str, ...]


def read(found: Scripts) -> Parts:
    """Read the training step.

    Raises:
        Unmet: It is not understood, or its parts would not add up; the text says where.
    """
    models = Models(found)
    step = training_step(found, models)
    _refuse_other_place(found, step)
    zeroing, between = _sorted(step)
    forward = [each for each in step.forward if each not in zeroing]
    refuse_coupled(found, models, step.script, forward)
    env = Rows(found, models).before(step.script, step.forward[0])
    cut = tuple(_cut(step, forward, env))
    if not cut:
        step.script.refuse(step.forward[0], "which tensors hold the batch is not clear")
    patch = Patch(step.script)
    for each in (*step.forward, *zeroing, step.backward):
        patch.indent(each)
    return Parts(step, cut, zeroing, between, tuple(_gathered(step, forward)))


def _refuse_other_place(found: Scripts, step: Step) -> None:
    """The optimizer must step right behind the one backward()."""
    script, call, _ = only_step(found)
    stepping = script.statement(call)
    if script is not step.script or stepping not in step.block or stepping.lineno < step.backward.lineno:
        script.refuse(call, "the optimizer does not step beside backward(), so gradients may be accumulated already")
    for each in step.forward:
        for node in ast.walk(each):
            if isinstance(node, ast.Name | ast.Attribute) and _COUNTS & set(words(dotted(node).split(".")[-1])):
                step.script.refuse(node, f"{dotted(node)} speaks of gradient accumulation, so it may be in use already")


def _sorted(step: Step) -> tuple[tuple[ast.stmt, ...], tuple[ast.stmt, ...]]:
    """Tell apart what stands among the step's statements without making the loss."""
    first, last = step.block.index(step.forward[0]), step.block.index(step.backward)
    inside = step.block[first:last]
    zeroing = tuple(each for each in inside if _zeroes(each))
    between = tuple(each for each in inside if each not in step.forward and each not in zeroing)
    for each in (*step.forward, *between):
        _refuse_control(step.script, each, is_forward=each in step.forward and each not in zeroing)
    return zeroing, between


def _zeroes(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return callee(statement.value) == "zero_grad"
    return isinstance(statement, ast.For) and all(
        isinstance(each, ast.Assign) and dotted(each.targets[0]).endswith(".grad") for each in statement.body
    )


def _refuse_control(script: Script, statement: ast.stmt, *, is_forward: bool) -> None:
    for node in ast.walk(statement):
        if isinstance(node, _LEAVES):
            script.refuse(node, "the step is left between its forward pass and backward()")
    if is_forward and not all(
        isinstance(each, ast.Assign | ast.AnnAssign | ast.AugAssign) for each in _leaves([statement])
    ):
        script.refuse(statement, "this statement between the forward pass and backward() makes no value of the loss")


def _leaves(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in the order that they run in, those inside of `with` too."""
    for each in statements:
        if isinstance(each, ast.With):
            yield from _leaves(each.body)
        else:
            yield each


def _cut(step: Step, forward: Sequence[ast.stmt], env: Env) -> Iterator[ast.expr]:
    """Reads of the batch; refuse what depends on the batch as a whole or on the part before."""
    made: set[str] = set()
    changed = {name for each in forward for name in stored(each)}
    for leaf in _leaves(forward):
        own = {
            n.id
            for each in ast.walk(leaf)
            if isinstance(each, ast.comprehension)
            for n in ast.walk(each.target)
            if isinstance(n, ast.Name)
        }
        for node in _reads(step.script, leaf):
            root = dotted(node).partition(".")[0]
            if root in made | own:
                continue
            if root in changed:
                step.script.refuse(node, f"{root} is carried from one part of the batch to the next")
            yield from _judged(step, node, env)
        made |= {name.partition(".")[0] for name in stored(leaf) if "." not in name}


def _reads(script: Script, leaf: ast.stmt) -> Iterator[ast.expr]:
    """Names that a statement reads, in the order of the file."""
    parts = [leaf.value] if isinstance(leaf, ast.Assign | ast.AnnAssign) else [leaf]
    found = [n for part in parts if part for n in ast.walk(part) if isinstance(n, ast.Name)]
    yield from sorted((n for n in found), key=lambda node: (node.lineno, node.col_offset))


def _judged(step: Step, node: ast.expr, env: Env) -> Iterator[ast.expr]:
    script, name = step.script, dotted(node)
    kind, parent = env.get(name, PLAIN), script.parent(node)
    if kind is ROWS:
        yield node
    elif kind is BATCH and isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant):
        yield parent
    elif kind is not PLAIN and not name.endswith("loader"):
        script.refuse(node, f"whether {name} holds one row for each sample of the batch is not clear")
    elif any(value is ROWS and key.startswith(f"{name}.") for key, value in env.items()):
        script.refuse(node, f"{name} holds a tensor of the batch; give it a name of its own")


def _gathered(step: Step, forward: Sequence[ast.stmt]) -> Iterator[str]:
    """Outputs that are read behind the step and can be put together again: what a loss of torch is given."""
    script = step.script
    names = {name for each in forward for name in stored(each)} - {step.loss}
    compared = {
        dotted(c.args[0]) for each in forward for c in ast.walk(each) if isinstance(c, ast.Call) and len(c.args) > 1
    }
    simple = {dotted(t) for leaf in _leaves(forward) if isinstance(leaf, ast.Assign) for t in leaf.targets}
    for name in sorted(names):
        reader = next(_readers(script, step, forward, name), None)
        if reader is not None and (name not in compared or name not in simple):
            script.refuse(reader, f"{name} of the whole batch is read here, which parts do not give")
        if reader is not None:
            yield name


def _readers(script: Script, step: Step, forward: Sequence[ast.stmt], name: str) -> Iterator[ast.AST]:
    """Places outside of the forward pass that read what it left in a name."""
    inside = {node for each in forward for node in ast.walk(each)}
    scope = script.scope(step.backward)
    for node in ast.walk(scope):
        is_read = isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and dotted(node) == name
        if is_read and node not in inside and script.scope(node) is scope and not _has_own(script, node, name, inside):
            yield node


def _has_own(script: Script, node: ast.AST, name: str, inside: set[ast.AST]) -> bool:
    """Whether the name was assigned anew before, by a statement that always runs first."""
    statement = script.statement(node)
    for each in (statement, *(above for above in script.above(statement) if isinstance(above, ast.stmt))):
        before = [other for other in script.block(each) if other.lineno < each.lineno]
        if any(inside & set(ast.walk(other)) for other in before):
            return False
        if any(name in stored(other) for other in before if isinstance(other, ast.Assign | ast.With)):
            return True
        if isinstance(each, ast.For) and each is not statement and name in stored(each.target):
            return True
    return False
