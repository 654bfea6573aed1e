"""Classes that actions write into a training script because torch does not have them, and how to know them again.

Lion: Chen et al. (2023), "Symbolic discovery of optimization algorithms". Muon: Jordan et al. (2024), with the scale of
Liu et al. (2025), "Muon is scalable for LLM training"; torch's own needs a release that the user may not have, and
takes matrices only.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from nightlab.plugins.training.program import Module

LION: Final = '''\
class Lion(TORCH.optim.Optimizer):
    """Step along the sign of a momentum (Chen et al., 2023); weights decay by lr * weight_decay."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @TORCH.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with TORCH.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = TORCH.zeros_like(p)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(state["momentum"].lerp(p.grad, 1 - beta1).sign_(), alpha=-group["lr"])
                state["momentum"].lerp_(p.grad, 1 - beta2)
        return loss
'''
MUON: Final = '''\
class Muon(TORCH.optim.Optimizer):
    """Orthogonalize the momentum of matrices (Jordan et al., 2024); embeddings and vectors take AdamW's step.

    A matrix's step is scaled to the size of AdamW's (Liu et al., 2025): one learning rate fits both.
    """

    def __init__(
        self, params, lr=1e-3, momentum=0.95, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, embeddings=()
    ):
        defaults = {"lr": lr, "momentum": momentum, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults)
        self.embeddings = {id(each) for each in embeddings}

    @TORCH.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with TORCH.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.mul_(1 - group["lr"] * group["weight_decay"])
                if p.ndim < 2 or id(p) in self.embeddings:
                    p.add_(self.adam_step(p, group), alpha=-group["lr"])
                else:
                    p.add_(self.muon_step(p, group), alpha=-group["lr"])
        return loss

    def adam_step(self, p, group):
        state, (beta1, beta2) = self.state[p], group["betas"]
        if not state:
            state.update(step=0, mean=TORCH.zeros_like(p), square=TORCH.zeros_like(p))
        state["step"] += 1
        state["mean"].lerp_(p.grad, 1 - beta1)
        state["square"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
        mean = state["mean"] / (1 - beta1 ** state["step"])
        return mean / ((state["square"] / (1 - beta2 ** state["step"])).sqrt() + group["eps"])

    def muon_step(self, p, group):
        state = self.state[p]
        if not state:
            state["momentum"] = TORCH.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - group["momentum"])
        x = p.grad.lerp(state["momentum"], group["momentum"]).flatten(1).bfloat16()
        rows, columns = x.shape
        x = x.T if rows > columns else x
        x = x / x.norm().clamp(min=1e-7)
        for _ in range(5):  # Newton-Schulz: brings all singular values near 1
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        x = x.T if rows > columns else x
        return 0.2 * max(rows, columns) ** 0.5 * x.reshape(p.shape).to(p.dtype)
'''
WRITTEN: Final[Mapping[str, str]] = {"Lion": LION, "Muon": MUON}


def class_text(name: str, torch: str) -> str:
    """The class in a file where torch has a name."""
    return WRITTEN[name].replace("TORCH", torch)


def written_class(module: Module, name: str) -> ast.ClassDef | None:
    """The class that an action wrote into a file, as it wrote it; None if there is none."""
    if name not in WRITTEN:
        return None
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name and node.bases:
            torch = ast.unparse(node.bases[0]).partition(".")[0]
            wanted = ast.parse(class_text(name, torch)).body[0]
            return node if ast.dump(node) == ast.dump(wanted) else None
    return None


def is_written(module: Module, name: str) -> bool:
    """Tell whether an action wrote a class into a file."""
    return written_class(module, name) is not None
