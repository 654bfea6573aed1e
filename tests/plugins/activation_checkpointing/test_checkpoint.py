"""Blocks recomputed in backward: the same gradients with less saved, or a reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plugins.scripts import (
    applied,
    edited,
    expect_as_clean,
    expect_golden,
    rejection,
    run,
    same_gradients,
    script,
)

from nightlab.plugins.activation_checkpointing import PLUGIN

(CHECKPOINT,) = PLUGIN.actions
FITTING = ("argparse_function", "flat_constants", "nano", "trainer_class")
MODEL = """\
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    def forward(self, x, cache=None):
        for block in self.blocks:
            {run}
        return x
Net()(torch.ones(1, 4)).sum().backward()
"""


@pytest.mark.parametrize("name", FITTING)
def test_the_edit(name: str, tmp_path: Path) -> None:
    expect_as_clean(script(name), expect_golden(CHECKPOINT, name), tmp_path)


@pytest.mark.parametrize("name", FITTING)
@pytest.mark.parametrize("every", [1, 2])
def test_the_same_gradients_with_less_saved(name: str, every: int, tmp_path: Path) -> None:
    plain = run(script(name), tmp_path)
    less = run(edited(CHECKPOINT, script(name), every=every), tmp_path)
    assert same_gradients(plain, less)
    assert less.output == plain.output
    assert less.saved < plain.saved * (0.6 if every == 1 else 0.8)


def test_dropout_is_drawn_again_as_it_was(tmp_path: Path) -> None:
    text = script("argparse_function").replace(
        '"--dropout", type=float, default=0.0', '"--dropout", type=float, default=0.3'
    )
    assert same_gradients(run(text, tmp_path), run(edited(CHECKPOINT, text), tmp_path))


def test_the_model_in_a_file_of_its_own() -> None:
    model = MODEL.format(run="x = block(x)").rpartition("Net()")[0]
    train = "import torch\nfrom model import Net\nNet()(torch.ones(1, 4)).sum().backward()\n"
    files = applied(CHECKPOINT, {"model.py": model, "train.py": train})
    assert files["train.py"] == train
    assert "torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)" in files["model.py"]


def test_a_block_inside_of_an_expression() -> None:
    new = edited(CHECKPOINT, MODEL.format(run="x = x + block(x)"))
    call = "torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)"
    assert f"x = x + ({call} if self.training else block(x))" in new


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MODEL.format(run="x = block(x, cache)"), "train.py:9: the block fills cache"),
        (MODEL.format(run="x = block(x, debug=True)"), "train.py:9: the block's argument debug"),
        (MODEL.format(run="x = block(input=x)"), "train.py:9: the block takes no positional"),
        (MODEL.format(run="x = block(y := x)"), "train.py:9: the block's arguments assign"),
        (MODEL.format(run="x = block(x); x = x + 1"), "train.py:9 holds several statements"),
        (
            MODEL.format(run="x = block(x)").replace("nn.Linear", "nn.BatchNorm1d"),
            "train.py:6: BatchNorm1d would count",
        ),
        (MODEL.format(run="x = block(x)") + "torch.jit.script(Net())\n", "train.py:12: a scripted model"),
        (
            MODEL.format(run="x = block(x)") + "m.gradient_checkpointing_enable()\n",
            "train.py:12: the script has its own",
        ),
        (MODEL.format(run="x = block(x)\n            x = block(x)"), "train.py:10: blocks run here and at train.py:9"),
        (MODEL.format(run="x = block(x)").replace(".backward()", ""), "no loss.backward() was found"),
        (script("image_classifier"), "no model was found whose forward runs a list of blocks"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    assert rejection(CHECKPOINT, text).startswith(reason)


@pytest.mark.parametrize("name", FITTING)
def test_a_second_time_does_not_fit(name: str) -> None:
    assert "activations are checkpointed already" in rejection(CHECKPOINT, edited(CHECKPOINT, script(name)))
