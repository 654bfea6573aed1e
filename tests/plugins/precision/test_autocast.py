"""The forward pass in bfloat16: weights and gradients stay as they are, or a reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plugins.scripts import edited, expect_as_clean, expect_golden, rejection, run, script

from nightlab.plugins.precision import PLUGIN

(AUTOCAST,) = PLUGIN.actions
FITTING = ("argparse_function", "flat_constants", "image_classifier", "trainer_class")
LOOP = """\
import torch
from torch import nn
model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    out = model(x)
    loss = nn.functional.mse_loss(out, y)
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize("name", FITTING)
def test_the_edit(name: str, tmp_path: Path) -> None:
    expect_as_clean(script(name), expect_golden(AUTOCAST, name), tmp_path)


@pytest.mark.parametrize("name", FITTING)
def test_it_computes_in_bfloat16_and_steps_in_float32(name: str, tmp_path: Path) -> None:
    plain = run(script(name), tmp_path, double=False)
    low = run(edited(AUTOCAST, script(name)), tmp_path, double=False)
    assert "torch.bfloat16" in low.types - plain.types
    assert {str(each.dtype) for step in low.gradients for each in step} == {"torch.float32"}
    for one, other in zip(plain.gradients[0], low.gradients[0], strict=True):
        assert (one - other).norm() < 0.1 * one.norm() + 1e-3


def test_torch_by_another_name() -> None:
    text = LOOP.replace("import torch\n", "import torch as th\n").replace("torch.optim", "th.optim")
    assert 'with th.autocast(device_type="cpu", dtype=th.bfloat16):' in edited(AUTOCAST, text)


def test_torch_that_is_not_imported() -> None:
    text = LOOP.replace("import torch\n", "from torch.optim import SGD\n").replace("torch.optim.SGD", "SGD")
    assert edited(AUTOCAST, text).startswith("import torch\nfrom torch.optim import SGD\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (script("nano"), "train.py:111: a gradient scaler is in use"),
        (LOOP.replace("model(x)", "model(x.half())"), "train.py:6: the script chooses half precision"),
        (LOOP.replace("mse_loss", "binary_cross_entropy"), "train.py:7: binary_cross_entropy refuses"),
        (LOOP.replace("model(x)", "model(torch.fft.fft(x))"), "train.py:6: Fourier transforms"),
        (LOOP + "    out.detach().numpy()\n", "train.py:10: an output of the model becomes a numpy array"),
        (LOOP.replace("out = model(x)", "out = model(x); n = 1"), "train.py:6 holds several statements"),
        (
            LOOP.replace("loss.backward()", "loss.sum().backward()"),
            "train.py:8: the loss is made in the same statement",
        ),
        (
            "import lightning\nlightning.Trainer().fit(m)\n",
            "no loss.backward() was found: train.py leaves the training",
        ),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    assert rejection(AUTOCAST, text).startswith(reason)


@pytest.mark.parametrize("name", FITTING)
def test_a_second_time_does_not_fit(name: str) -> None:
    assert "autocast is in use already" in rejection(AUTOCAST, edited(AUTOCAST, script(name)))
