"""Finds the one place where a training script makes its optimizer, or says why there is none to work with."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.hyperparameter.names import word_set
from nightlab.plugins.hyperparameter.source import callee, constant, dotted
from nightlab.plugins.training.families import FAMILIES, Family
from nightlab.plugins.training.program import Module, is_optimizer_class
from nightlab.plugins.training.written import is_written
from nightlab.sdk import Unmet

# Optimizers that come from elsewhere; torch.optim's other classes and classes of the workspace are told without a list.
ELSEWHERE: Final = word_set(
    "Adafactor AdaBelief AdamW8bit Adam8bit Lion8bit SGD8bit PagedAdamW PagedAdamW8bit AdamP SGDP Lamb LAMB LARS Lars "
    "Lion Muon Sophia SophiaG Shampoo SOAP Prodigy DAdaptAdam DAdaptAdamW FusedAdam FusedLAMB FusedSGD CPUAdam "
    "DeepSpeedCPUAdam AdamWScheduleFree SGDScheduleFree RangerLars Ranger Novograd NovoGrad Adan Adahessian MADGRAD "
    "ZeroRedundancyOptimizer DistributedOptimizer MuonWithAuxAdam SingleDeviceMuonWithAuxAdam create_optimizer "
    "create_optimizer_v2 get_optimizer"
)
FRAMEWORKS: Final = {
    "transformers": ("Hugging Face's Trainer", ("Trainer", "Seq2SeqTrainer")),
    "trl": ("a Trainer of trl", ("SFTTrainer", "DPOTrainer", "GRPOTrainer", "PPOTrainer")),
    "lightning": ("Lightning", ("LightningModule", "Trainer")),
    "pytorch_lightning": ("Lightning", ("LightningModule", "Trainer")),
    "deepspeed": ("DeepSpeed", ("initialize",)),
    "fastai": ("fastai", ("Learner", "cnn_learner", "vision_learner")),
    "ignite": ("Ignite", ("create_supervised_trainer", "Engine")),
    "keras": ("Keras", ("compile", "Model", "Sequential")),
    "tensorflow": ("TensorFlow", ("GradientTape", "Sequential", "Model")),
    "jax": ("JAX", ("grad", "value_and_grad", "jit")),
    "flax": ("JAX", ("Module", "create")),
    "optax": ("JAX", tuple(word_set("adam adamw sgd lion chain"))),
}


@dataclass(frozen=True, slots=True)
class Construction:
    """The call that makes the optimizer.

    Attributes:
        module: The file that it is in.
        call: The call.
        family: What it makes.
        class_name: The expression that names the class: what is called, or what the called name was set to.
        arguments: What it passes, by parameter, except the first.
        first: The parameters or groups to optimize.
        rest: `**NAME` that holds only switches such as fused, if there is one.
        name: What the optimizer is assigned to ("optimizer", "self.optimizer"); empty if it is returned.
    """

    module: Module
    call: ast.Call
    family: Family
    class_name: ast.expr
    arguments: dict[str, ast.expr]
    first: ast.expr
    rest: ast.keyword | None
    name: str

    @property
    def where(self) -> str:
        """Its place as "path:line"."""
        return self.module.where(self.call)

    @property
    def decay_by_rate(self) -> bool:
        """Whether weights shrink by rate * weight_decay a step."""
        return self.family.decay == "by rate" or constant(self.arguments.get("decoupled_weight_decay")) is True


def find_construction(modules: Sequence[Module]) -> Construction:
    """Find the optimizer of a script.

    Raises:
        Unmet: There is none, several, or one that is not understood; the text says which and where.
    """
    refuse_frameworks(modules)
    found: list[tuple[Module, ast.Call, str]] = []
    for module in modules:
        for call in module.nodes(ast.Call):
            name = optimizer_called(module, call)
            if name:
                found.append((module, call, name))
    if not found:
        raise Unmet("no optimizer of torch.optim is made in the files that the training command reaches")
    for module, call, name in found:
        if name not in FAMILIES:
            raise _unmet(module, call, f"makes {name}, an optimizer that this action does not know")
    if len(found) > 1:
        (first, call, _), (second, other, _) = found[:2]
        raise _unmet(second, other, f"makes a second optimizer, after {first.where(call)}; this action needs just one")
    return _construction(*found[0])


def optimizer_called(module: Module, call: ast.Call) -> str:
    """The optimizer class that a call makes, known or not; empty for any other call."""
    class_name = _class_name(module, call)
    name = module.qualified(class_name)
    last = name.rpartition(".")[2]
    if is_written(module, last) and name == last:
        return last
    if name.startswith("torch.optim.") and ".lr_scheduler" not in name and ".swa_utils" not in name:
        return last if last[:1].isupper() else ""
    if isinstance(call.func, ast.Call) and ast.unparse(call.func).startswith(("getattr(torch.optim", "getattr(optim")):
        return ast.unparse(call.func)[:80]
    if isinstance(call.func, ast.Subscript) and _is_table(module, call.func.value):
        return f"{ast.unparse(call.func)[:80]} of a table"
    return name if last in ELSEWHERE or _is_made_class(module, last) else ""


def _class_name(module: Module, call: ast.Call) -> ast.expr:
    """What is called; a name that is set once to another name stands for that."""
    if not isinstance(call.func, ast.Name):
        return call.func
    stores = module.stores(call.func.id)
    parent = module.parent(stores[0]) if len(stores) == 1 else None
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and dotted(parent.value):
        return parent.value
    return call.func


def _is_table(module: Module, node: ast.expr) -> bool:
    """Whether a subscripted name is a dictionary of optimizer classes."""
    if not isinstance(node, ast.Name):
        return False
    values = [module.parent(each) for each in module.stores(node.id)]
    dicts = [each.value for each in values if isinstance(each, ast.Assign) and isinstance(each.value, ast.Dict)]
    return any(module.qualified(value).startswith("torch.optim.") for each in dicts for value in each.values)


def _is_made_class(module: Module, name: str) -> bool:
    return any(each.name == name and is_optimizer_class(module, each) for each in module.nodes(ast.ClassDef))


def refuse_frameworks(modules: Sequence[Module]) -> None:
    """Refuse scripts whose training loop is a framework's.

    Raises:
        Unmet: One is; the text names it.
    """
    for module in modules:
        packages = {each.partition(".")[0] for each in module.imported.values()}
        for node in (*module.nodes(ast.Name), *module.nodes(ast.Attribute)):
            full = module.qualified(node)
            title, names = FRAMEWORKS.get(full.partition(".")[0], ("", ()))
            if full.rpartition(".")[2] in names and full.partition(".")[0] in packages:
                raise _unmet(module, node, f"hands the training loop to {title}, which this action does not edit")


def _construction(module: Module, call: ast.Call, name: str) -> Construction:
    family = FAMILIES[name]
    positional, keywords = list(call.args), {each.arg: each.value for each in call.keywords if each.arg}
    if any(isinstance(each, ast.Starred) for each in positional):
        raise _unmet(module, call, f"passes *arguments to {name}")
    first = positional.pop(0) if positional else keywords.pop("params", None)
    if first is None:
        raise _unmet(module, call, f"passes no parameters to {name}")
    if len(positional) > len(family.positional):
        raise _unmet(module, call, f"passes more arguments to {name} than it is known to have")
    arguments = dict(zip(family.positional, positional, strict=False)) | keywords
    unknown = [each for each in arguments if not family.takes(each)]
    if unknown:
        raise _unmet(module, call, f"passes {unknown[0]} to {name}, which is not known to take it")
    return Construction(
        *(module, call, family, _class_name(module, call), arguments, first),
        rest=_rest(module, call, name),
        name=_assigned(module, call),
    )


def _rest(module: Module, call: ast.Call, name: str) -> ast.keyword | None:
    """The `**NAME` of a call if that can only hold fused or foreach."""
    stars = [each for each in call.keywords if each.arg is None]
    if not stars:
        return None
    if len(stars) == 1 and all(key in ("fused", "foreach") for key in _keys(module, stars[0].value)):
        return stars[0]
    raise _unmet(module, call, f"passes **arguments to {name} that this action cannot read")


def _keys(module: Module, node: ast.expr) -> Iterator[str]:
    """Keys of a dictionary as far as they can be read; "?" stands for what cannot."""
    if isinstance(node, ast.IfExp):
        yield from (*_keys(module, node.body), *_keys(module, node.orelse))
    elif isinstance(node, ast.Dict):
        yield from (str(constant(key)) if key else "?" for key in node.keys)
    elif isinstance(node, ast.Call) and dotted(node.func) == "dict" and not node.args:
        yield from (each.arg or "?" for each in node.keywords)
    elif isinstance(node, ast.Name):
        parents = [module.parent(each) for each in module.stores(node.id)]
        if len(parents) != 1 or not isinstance(parents[0], ast.Assign):
            yield "?"
        else:
            yield from _keys(module, parents[0].value)
    else:
        yield "?"


def _assigned(module: Module, call: ast.Call) -> str:
    parent = module.parent(call)
    if isinstance(parent, ast.Return):
        return ""
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and parent.value is call:
        target = parent.targets[0]
    elif isinstance(parent, ast.AnnAssign) and parent.value is call:
        target = parent.target
    else:
        raise _unmet(module, call, f"makes {callee(call)} inside of another expression; assign it to a name of its own")
    if isinstance(target, ast.Name | ast.Attribute) and dotted(target):
        return dotted(target)
    raise _unmet(module, call, f"keeps the optimizer in {ast.unparse(target)}; assign it to a name of its own")


def _unmet(module: Module, node: ast.AST, what: str) -> Unmet:
    return Unmet(f"{module.where(node)} {what}", pointer=module.where(node))
