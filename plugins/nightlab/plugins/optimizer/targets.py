"""Which optimizers a construction may become, and with which arguments."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from nightlab.plugins.hyperparameter.source import constant
from nightlab.plugins.training.families import FAMILIES, Family
from nightlab.plugins.training.numbers import number_text, scaled
from nightlab.plugins.training.optimizers import Construction
from nightlab.plugins.training.program import leaves_unused

TARGETS: Final[Mapping[str, Family]] = {
    "sgd": FAMILIES["SGD"],
    "nesterov": FAMILIES["SGD"],
    "adam": FAMILIES["Adam"],
    "adamw": FAMILIES["AdamW"],
    "nadam": FAMILIES["NAdam"],
    "radam": FAMILIES["RAdam"],
    "lion": FAMILIES["Lion"],
    "muon": FAMILIES["Muon"],
}
ONE_STATE: Final = ("sgd", "nesterov", "lion")
_ADAM_LIKE: Final = ("Adam", "AdamW", "NAdam", "RAdam", "Muon")
# What changes the steps; the others (fused, foreach) only make them faster, and another class may go without.
_MEANT: Final = ("capturable", "differentiable", "maximize")


def fitting(construction: Construction) -> tuple[str, ...]:
    """Names of the optimizers that a construction may become, in one order; not the one that it is."""
    return tuple(name for name in TARGETS if name != current(construction) and not misfit(construction, name))


def current(construction: Construction) -> str:
    """The name of what is made now; empty for SGD without momentum, which is none of them."""
    if construction.family.name != "SGD":
        return construction.family.name.lower()
    if constant(construction.arguments.get("momentum")) in (None, 0) and "momentum" not in construction.arguments:
        return ""
    return "nesterov" if constant(construction.arguments.get("nesterov")) is True else "sgd"


def misfit(construction: Construction, name: str) -> str:
    """Say why a construction cannot become an optimizer; empty if it can."""
    family = TARGETS[name]
    if construction.rest and not (family.takes("fused") and family.takes("foreach")):
        return f"{family.name} has no fused, which **{ast.unparse(construction.rest.value)} may hold"
    for parameter, value in construction.arguments.items():
        if parameter in dropped(construction, name) and leaves_unused(construction.module, value):
            return f"{parameter}={ast.unparse(value)} would leave a variable without a use"
        needed = parameter in _MEANT and constant(value) is not False
        if needed and not family.takes(parameter):
            return f"{family.name} has no {parameter}"
    return ""


def dropped(construction: Construction, name: str) -> list[str]:
    """Parameters that are written now and that the new optimizer is made without."""
    return [
        each
        for each in construction.arguments
        if each not in ("lr", "weight_decay") and not _kept(each, construction, name)
    ]


def added(construction: Construction, name: str, factor: float) -> dict[str, str]:
    """Arguments that the new optimizer is made with and that are not written now, as text by parameter."""
    family, written = TARGETS[name], construction.arguments
    new: dict[str, str] = {}
    if "lr" not in written:
        new["lr"] = number_text(construction.family.default_rate * factor)
    if family.name == "SGD" and not _has_momentum(construction):
        new["momentum"] = "0.9"
    if name == "nesterov" and "nesterov" not in written:
        new["nesterov"] = "True"
    if "weight_decay" not in written and construction.family.default_decay != family.default_decay:
        new["weight_decay"] = number_text(construction.family.default_decay / decay_factor(construction, family))
    decays = "decoupled_weight_decay"
    if family.takes(decays) and decays not in written and construction.decay_by_rate and family.decay != "by rate":
        new[decays] = "True"
    return new


def changed(construction: Construction, name: str, factor: float) -> dict[str, str]:
    """Arguments that are written now and get another value, as text by parameter."""
    written, text, new = construction.arguments, construction.module.text, dict[str, str]()
    if "lr" in written:
        new["lr"] = scaled(written["lr"], text(written["lr"]), factor)
    if "weight_decay" in written:
        decay = decay_factor(construction, TARGETS[name])
        new["weight_decay"] = scaled(written["weight_decay"], text(written["weight_decay"]), 1 / decay)
    if TARGETS[name].name == "SGD" and "momentum" in written and not _has_momentum(construction):
        new["momentum"] = "0.9"
    if name in ("sgd", "nesterov") and "nesterov" in written:
        new["nesterov"] = str(name == "nesterov")
    return {parameter: value for parameter, value in new.items() if value != text(written[parameter])}


def rate_factor(construction: Construction, name: str) -> float:
    """How much larger a usual learning rate of the new optimizer is."""
    return TARGETS[name].usual_rate / construction.family.usual_rate


def decay_factor(construction: Construction, family: Family) -> float:
    """By what weight_decay is divided so that weights shrink as fast as before.

    Where the decay goes through Adam's normalized gradient before or after, there is no such number, and it is kept.
    """
    by_rate = family.decay == "by rate" or (family.takes("decoupled_weight_decay") and construction.decay_by_rate)
    both = construction.decay_by_rate and by_rate
    return family.usual_rate / construction.family.usual_rate if both else 1.0


def _kept(parameter: str, construction: Construction, name: str) -> bool:
    old, new = construction.family.name, TARGETS[name]
    if not new.takes(parameter):
        return False
    if parameter in ("betas", "eps"):
        return old == new.name or (old in _ADAM_LIKE and new.name in _ADAM_LIKE)
    if parameter == "dampening":
        return name != "nesterov"
    if parameter in ("momentum", "momentum_decay"):
        return old == new.name or {old, new.name} == {"SGD", "Muon"}
    return True


def _has_momentum(construction: Construction) -> bool:
    momentum = construction.arguments.get("momentum")
    return momentum is not None and constant(momentum) != 0
