"""The optimizers that are known: their parameters in order, their usual learning rate, how their weight decay works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Decay = Literal["by rate", "through gradient"]
_SWITCHES: Final = ("foreach", "maximize", "capturable", "differentiable")


@dataclass(frozen=True, slots=True)
class Family:
    """One optimizer class.

    Attributes:
        name: Of the class.
        positional: Its parameters behind the first, in order.
        flags: Its other keywords.
        usual_rate: A usual learning rate as a multiple of Adam's. SGD: ten to a hundred times. Lion: a third to a
            tenth (Chen et al., 2023). Muon: the same, because its steps are scaled to AdamW's (Liu et al., 2025).
        decay: "by rate": weights shrink by rate * weight_decay a step; "through gradient": Adam normalizes it away.
        default_decay: weight_decay when it is not written.
        default_rate: lr when it is not written.
        in_torch: Whether it is a class of torch.optim.
    """

    name: str
    positional: tuple[str, ...]
    flags: tuple[str, ...]
    usual_rate: float = 1.0
    decay: Decay = "through gradient"
    default_decay: float = 0.0
    default_rate: float = 1e-3
    in_torch: bool = True

    def takes(self, parameter: str) -> bool:
        """Tell whether it has a parameter."""
        return parameter in self.positional or parameter in self.flags


_ADAM: Final = ("lr", "betas", "eps", "weight_decay")
FAMILIES: Final[Mapping[str, Family]] = {
    each.name: each
    for each in (
        Family(
            "SGD",
            ("lr", "momentum", "dampening", "weight_decay", "nesterov"),
            ("maximize", "foreach", "differentiable", "fused"),
            usual_rate=30.0,
            decay="by rate",
        ),
        Family("Adam", (*_ADAM, "amsgrad"), (*_SWITCHES, "fused", "decoupled_weight_decay")),
        Family("AdamW", (*_ADAM, "amsgrad"), (*_SWITCHES, "fused"), decay="by rate", default_decay=0.01),
        Family("NAdam", (*_ADAM, "momentum_decay", "decoupled_weight_decay"), _SWITCHES, default_rate=2e-3),
        Family("RAdam", (*_ADAM, "decoupled_weight_decay"), _SWITCHES),
        Family("Lion", ("lr", "betas", "weight_decay"), (), 0.2, "by rate", default_rate=1e-4, in_torch=False),
        Family(
            "Muon",
            ("lr", "momentum", "betas", "eps", "weight_decay", "embeddings"),
            (),
            decay="by rate",
            in_torch=False,
        ),
    )
}
