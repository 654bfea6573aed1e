"""Puts a swap together: the class, its arguments, and every other place where a learning rate is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nightlab.plugins.hyperparameter.source import callee, constant
from nightlab.plugins.optimizer.arguments import edit_arguments
from nightlab.plugins.optimizer.naming import rename
from nightlab.plugins.optimizer.targets import (
    TARGETS,
    added,
    changed,
    decay_factor,
    dropped,
    rate_factor,
)
from nightlab.plugins.training.imports import torch_name
from nightlab.plugins.training.numbers import scaled
from nightlab.plugins.training.optimizers import Construction
from nightlab.plugins.training.program import Module
from nightlab.plugins.training.rates import assignments, group_values, own_rates, schedulers, touched_state
from nightlab.plugins.training.splice import Splice
from nightlab.sdk import Edits, Unmet


def refuse_what_depends_on_it(modules: Sequence[Module], made: Construction) -> None:
    """Refuse scripts that use what only the present optimizer has.

    Raises:
        Unmet: One does; the text says where.
    """
    for module in modules:
        node = touched_state(module)
        if node is not None:
            raise _unmet(module, node, f"uses {ast.unparse(node)}, which another optimizer may not have")
        for call in module.nodes(ast.Call):
            if _passes_closure(module, call, made):
                raise _unmet(module, call, "passes a closure to step()")
            if callee(call) == "Embedding" and any(k.arg == "sparse" and constant(k.value) for k in call.keywords):
                raise _unmet(module, call, "makes sparse gradients, which not every optimizer takes")
        for call in schedulers(module):
            if callee(call) == "CyclicLR" or any(isinstance(each, ast.List | ast.Tuple) for each in own_rates(call)):
                raise _unmet(module, call, f"makes a {callee(call)} that this action does not rescale")


def swap(ws: Edits, modules: Sequence[Module], made: Construction, name: str, lr_scale: float) -> list[str]:
    """Make another optimizer.

    Args:
        ws: To write to.
        modules: The files that count.
        made: How the optimizer is made now.
        name: One of TARGETS that fits.
        lr_scale: Multiplied onto the usual ratio of the two learning rates.

    Returns:
        What was left out, in words.
    """
    factor = rate_factor(made, name) * lr_scale
    splices = {module: Splice(module) for module in modules}
    splice, family = splices[made.module], TARGETS[name]
    gone, new = dropped(made, name), added(made, name, factor)
    if name == "muon" and "embeddings" not in made.arguments:
        new |= _embeddings(splice, made)
    rename(splice, made, family)
    edit_arguments(splice, made, gone, changed(made, name, factor), new)
    for module in modules:
        _rescale(splices[module], factor, decay_factor(made, family))
        splices[module].save(ws)
    return gone


def _rescale(splice: Splice, rate: float, decay: float) -> None:
    """Multiply every learning rate of its own by `rate`; divide every weight decay of a group by `decay`."""
    module = splice.module
    rates = [each.value for each in assignments(module) if not each.is_relative]
    rates += [each for call in schedulers(module) for each in own_rates(call)]
    rates += group_values(module, "lr")
    written = [(node, rate) for node in rates]
    written += [(node, 1 / decay) for node in group_values(module, "weight_decay")]
    for node, factor in written:
        text = scaled(node, module.text(node), factor)
        if text != module.text(node):
            splice.replace(node, text)


def _embeddings(splice: Splice, made: Construction) -> dict[str, str]:
    """Tell Muon which matrices are tables, if one model's parameters are passed."""
    models = {ast.unparse(each) for each in _models(made.first)}
    if len(models) != 1:
        return {}
    torch = torch_name(made.module) or "torch"
    model = models.pop()
    return {"embeddings": f"[m.weight for m in {model}.modules() if isinstance(m, {torch}.nn.Embedding)]"}


def _models(first: ast.expr) -> Iterator[ast.expr]:
    for node in ast.walk(first):
        if not (isinstance(node, ast.Call) and callee(node) == "parameters" and isinstance(node.func, ast.Attribute)):
            continue
        if isinstance(node.func.value, ast.Name | ast.Attribute):
            yield node.func.value


def _passes_closure(module: Module, call: ast.Call, made: Construction) -> bool:
    names = {made.name.rpartition(".")[2] or "optimizer", "optimizer", "opt", "optim"}
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "step" and (call.args or call.keywords)):
        return False
    return ast.unparse(call.func.value).rpartition(".")[2] in names


def _unmet(module: Module, node: ast.AST, what: str) -> Unmet:
    return Unmet(f"{module.where(node)} {what}", pointer=module.where(node))
