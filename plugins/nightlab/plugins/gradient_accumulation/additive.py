"""Refuses losses that are no mean of what each sample adds: those of parts would not add up to that of the batch."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, constant, dotted
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.script import Function, Script, loaded
from nightlab.plugins.training.workspace import Scripts
from nightlab.sdk import Unmet

_LOSSES: Final = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "kl_div": "KLDivLoss",
}
_WEIGHED: Final = frozenset({"cross_entropy", "nll_loss", "CrossEntropyLoss", "NLLLoss"})
_MEANS: Final = ("mean", "batchmean")
_NORMS: Final = (
    "torch.nn.BatchNorm",
    "torch.nn.SyncBatchNorm",
    "torch.nn.LazyBatchNorm",
    "torch.nn.functional.batch_norm",
)
_TIME_FIRST: Final = frozenset(
    {"LSTM", "GRU", "RNN", "MultiheadAttention", "Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer"}
)
_MIXING: Final = frozenset({"cdist", "pdist", "randperm", "corrcoef", "cov", "t", "std", "var", "std_mean", "var_mean"})
_ALONG: Final = frozenset(
    {"mean", "sum", "softmax", "log_softmax", "max", "min", "norm", "cumsum", "sort", "topk", "logsumexp", "normalize"}
    | {"cat", "concat", "flip", "roll", "std", "var"}
)
_ELSEWHERE: Final = {
    "DataParallel": "gradients are exchanged between devices",
    "DistributedDataParallel": "gradients are exchanged in each backward pass",
    "FullyShardedDataParallel": "gradients are exchanged in each backward pass",
}
Place = tuple[Script, ast.AST]


def refuse_coupled(found: Scripts, models: Models, script: Script, forward: Sequence[ast.stmt]) -> None:
    """Refuse a step whose loss on the whole batch is not the weighted mean of its losses on parts.

    Raises:
        Unmet: With the place.
    """
    _refuse_everywhere(found, models)
    reached = list(_reached(models, script, forward))
    for where, root in reached:
        for node in ast.walk(root):
            if isinstance(node, ast.Call):
                _refuse_mixing(where, node)
            if isinstance(node, ast.Attribute) and node.attr == "T" and "weight" not in dotted(node):
                where.refuse(node, "a transposed matrix may compare samples of a batch with each other")
    _refuse_losses(found, reached)


def _refuse_everywhere(found: Scripts, models: Models) -> None:
    for prefix in _NORMS:
        for script, call in models.uses(prefix):
            script.refuse(call, f"{callee(call)} takes its statistics from the whole batch")
    for script in found:
        for call in script.calls:
            last = script.qualified(call.func).split(".")[-1]
            if last in _ELSEWHERE:
                script.refuse(call, _ELSEWHERE[last])
            is_batch_first = any(k.arg == "batch_first" and constant(k.value) is True for k in call.keywords)
            if last in _TIME_FIRST and script.qualified(call.func).startswith("torch.nn.") and not is_batch_first:
                script.refuse(call, f"{last} without batch_first=True has time in its first dimension, not the samples")
        for node in script.every:
            if isinstance(node, ast.UnaryOp) and constant(node) == -100:
                script.refuse(node, "targets of -100 are left out of the loss, so parts of a batch count differently")
            if isinstance(node, ast.Assign) and dotted(node.targets[0]) in models.names:
                _refuse_foreign(models, script, node)


def _refuse_foreign(models: Models, script: Script, made: ast.Assign) -> None:
    """A model of a library may hold batch norms that no file of the workspace shows."""
    for call in (each for each in ast.walk(made.value) if isinstance(each, ast.Call)):
        name = script.qualified(call.func)
        head = name.partition(".")[0]
        here = name.split(".")[-1] in models.classes or name.split(".")[-1] in models.functions
        if head in script.imported and head != "torch" and not here:
            script.refuse(
                call, f"what {dotted(call.func)} makes is not in the workspace; it may normalize over the batch"
            )
        imported = script.imported.get(dotted(call.func).partition(".")[0], "").partition(".")[0]
        if imported and imported != "torch" and not here:
            script.refuse(
                call, f"what {dotted(call.func)} makes is not in the workspace; it may normalize over the batch"
            )


def _reached(models: Models, script: Script, forward: Sequence[ast.stmt]) -> Iterator[Place]:
    """The code of a step: its statements, the forward methods of modules, functions that these call."""
    left: list[Place] = [(script, each) for each in forward]
    for owner, node in models.classes.values():
        left += [(owner, each) for each in node.body if isinstance(each, Function) and each.name.startswith("forward")]
    seen: set[ast.AST] = set()
    while left:
        where, root = left.pop()
        if root in seen:
            continue
        seen.add(root)
        yield where, root
        calls = (each for each in ast.walk(root) if isinstance(each, ast.Call))
        left += [models.functions[callee(each)] for each in calls if callee(each) in models.functions]


def _refuse_mixing(script: Script, call: ast.Call) -> None:
    name = callee(call)
    if name in _MIXING and not _has_dimension(script, call):
        script.refuse(call, f"{name}() may compare samples of a batch with each other")
    if name in _ALONG and 0 in _dimensions(script, call):
        script.refuse(call, f"{name}() runs along the first dimension, over the samples of a batch")
    if (
        name in ("transpose", "swapaxes")
        and 0 in _dimensions(script, call, count=2)
        and "weight" not in dotted(call.func)
    ):
        script.refuse(call, f"{name}() takes the samples out of the first dimension, where they may meet")
    if name == "arange" and any(_is_count(script, each) for each in call.args):
        script.refuse(call, "arange() numbers the samples of a batch, so the loss may compare them with each other")
    if name == "einsum" and _crosses(call):
        script.refuse(call, "einsum() may compare samples of a batch with each other")
    if name == "sum" and isinstance(call.func, ast.Attribute) and not _has_dimension(script, call):
        script.refuse(call, "the sum over a batch grows with the batch; only means are understood")


def _is_count(script: Script, node: ast.expr) -> bool:
    """Whether an expression is the length of a first dimension: len(x), x.size(0), x.shape[0], or a name for one."""
    if isinstance(node, ast.Call):
        return callee(node) == "len" or (callee(node) == "size" and [constant(each) for each in node.args] == [0])
    if isinstance(node, ast.Subscript):
        return _last(node.value) == "shape" and constant(node.slice) == 0
    return isinstance(node, ast.Name) and any(
        _names_count(script, each) for each in script.stores(node.id, script.scope(node))
    )


def _names_count(script: Script, name: ast.Name) -> bool:
    """Whether an assignment gives a name the length of a first dimension: B = len(x), B, T = x.shape."""
    parent, made = script.parent(name), script.statement(name)
    if not isinstance(made, ast.Assign):
        return False
    if isinstance(parent, ast.Tuple):
        shape = made.value.func if isinstance(made.value, ast.Call) else made.value
        return parent.elts[0] is name and _last(shape) in ("shape", "size")
    return _is_count(script, made.value)


def _last(node: ast.expr) -> str:
    """The last part of an attribute or name, whatever it belongs to: "shape" of f(x).shape."""
    return node.attr if isinstance(node, ast.Attribute) else dotted(node)


def _crosses(call: ast.Call) -> bool:
    """Whether an einsum keeps the first dimension of a second operand beside that of the first; or is not readable."""
    formula = constant(call.args[0]) if call.args else None
    left, arrow, right = str(formula or "").replace(" ", "").partition("->")
    first, *others = left.split(",")
    if not arrow or not first or not right.startswith(first[0]):
        return True
    return any(each[:1] in right[1:] for each in others)


def _dimensions(script: Script, call: ast.Call, count: int = 1) -> list[object]:
    """Dimensions that a reduction is told: x.mean(0), torch.mean(x, dim=0)."""
    if callee(call) in ("cat", "concat") and len(call.args) == 1 and not call.keywords:
        return [0]
    skip = 1 if script.qualified(call.func).startswith("torch.") else 0
    given = [*call.args[skip : skip + count], *(each.value for each in call.keywords if each.arg in ("dim", "axis"))]
    flat = [part for each in given for part in (each.elts if isinstance(each, ast.Tuple | ast.List) else [each])]
    return [constant(each) for each in flat]


def _has_dimension(script: Script, call: ast.Call) -> bool:
    return bool(_dimensions(script, call)) and callee(call) not in ("cdist", "pdist", "randperm", "t")


def _refuse_losses(found: Scripts, reached: Sequence[Place]) -> None:
    used = [(script, call) for script, root in reached for call in ast.walk(root) if isinstance(call, ast.Call)]
    losses = [
        (s, c) for s, c in used if s.qualified(c.func).startswith("torch.nn.functional.") and callee(c) in _LOSSES
    ]
    losses += list(_made_losses(found, [root for _, root in reached]))
    for script, call in losses:
        _refuse_reduction(script, call)
    means = any(callee(each) == "mean" for _, each in used)
    if not losses and not means:
        raise Unmet("no loss was found that is known to be a mean over the batch, such as cross_entropy or mse_loss")


def _made_losses(found: Scripts, roots: Iterable[ast.AST]) -> Iterator[tuple[Script, ast.Call]]:
    """Losses that are made as objects and called in the step: criterion = nn.CrossEntropyLoss()."""
    names = {name.split(".")[-1] for root in roots for name in loaded(root)}
    for script in found:
        for call in script.calls:
            if script.qualified(call.func).startswith("torch.nn.") and callee(call).endswith("Loss"):
                parent = script.parent(call)
                held = {dotted(each).split(".")[-1] for each in getattr(parent, "targets", [])}
                if not held or held & names or isinstance(parent, ast.Call):
                    yield script, call


def _refuse_reduction(script: Script, call: ast.Call) -> None:
    name, given = callee(call), {each.arg: each.value for each in call.keywords}
    if name not in _LOSSES and name not in _LOSSES.values():
        script.refuse(call, f"{name} is not known to be a mean over the batch")
    for word in ("size_average", "reduce", None):
        if word in given:
            script.refuse(call, f"how {name} is reduced is not clear")
    if "reduction" in given and constant(given["reduction"]) not in _MEANS:
        script.refuse(call, f"{name} is not a mean over the batch: reduction={script.text(given['reduction'])}")
    if name in _WEIGHED:
        positional = len(call.args) > (0 if name.endswith("Loss") else 2)
        if positional or given.keys() & {"weight", "ignore_index"}:
            script.refuse(call, f"{name} weighs its targets, so parts of a batch count differently")
