"""Batches run in parts: the same gradients and the same output with less kept in memory, or a reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plugins.scripts import edited as edit
from tests.plugins.scripts import expect_as_clean, expect_golden, rejection, run, same_gradients, script

from nightlab.plugins.gradient_accumulation import PLUGIN

(SPLIT,) = PLUGIN.actions
FITTING = ("argparse_function", "flat_constants", "nano", "trainer_class", "image_classifier")


def fitting(name: str) -> str:
    """The script; without its batch norm, which does not fit."""
    return (
        script(name).replace("nn.BatchNorm2d(8)", "nn.GroupNorm(2, 8)").replace("nn.Dropout(0.25)", "nn.Dropout(0.0)")
    )


@pytest.mark.parametrize("name", FITTING[:4])
def test_the_edit(name: str, tmp_path: Path) -> None:
    expect_as_clean(script(name), expect_golden(SPLIT, name, parts=4), tmp_path)


@pytest.mark.parametrize("name", FITTING)
@pytest.mark.parametrize("parts", [2, 8])
def test_the_same_gradients_with_less_memory(name: str, parts: int, tmp_path: Path) -> None:
    whole, split = run(fitting(name), tmp_path), run(edit(SPLIT, fitting(name), parts=parts), tmp_path)
    assert same_gradients(whole, split)
    assert split.output == whole.output
    assert split.peak < whole.peak * (0.75 if parts == 2 else 0.5)


def test_a_last_batch_that_does_not_divide(tmp_path: Path) -> None:
    text = fitting("argparse_function").replace("default=30", "default=50")  # batches of 50, 50 and 20
    whole, split = run(text, tmp_path), run(edit(SPLIT, text, parts=8), tmp_path)
    assert same_gradients(whole, split)


def test_line_ends_stay(tmp_path: Path) -> None:
    text = fitting("trainer_class").replace("\n", "\r\n")
    assert edit(SPLIT, text).replace("\r\n", "\n") == edit(SPLIT, fitting("trainer_class"))
    assert "\n" not in edit(SPLIT, text).replace("\r\n", "")


LOOP = """\
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = DataLoader([])
for x, y in loader:
    {before}
    out = model(x)
    loss = {loss}
    optimizer.zero_grad()
    {behind}
    optimizer.step()
    {end}
"""


def loop(
    before: str = "n = 1", loss: str = "F.cross_entropy(out, y)", behind: str = "loss.backward()", end: str = "pass"
) -> str:
    return LOOP.format(before=before, loss=loss, behind=behind, end=end)


def test_the_loop_itself_fits() -> None:
    assert "x[part]" in edit(SPLIT, loop())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (loop(loss="F.cross_entropy(out, y, reduction='sum')"), "train.py:11: cross_entropy is not a mean"),
        (loop(loss="F.cross_entropy(out, y, ignore_index=0)"), "train.py:11: cross_entropy weighs its targets"),
        (loop(loss="((out - y) ** 2).sum()"), "train.py:11: the sum over a batch"),
        (loop(loss="F.cross_entropy(out @ out.T, y)"), "train.py:11: a transposed matrix"),
        (loop(loss="F.mse_loss(out - out.mean(0), y)"), "train.py:11: mean() runs along the first dimension"),
        (loop(loss="F.cross_entropy(out @ x.transpose(0, 1), y)"), "train.py:11: transpose() takes the samples"),
        (loop(loss="F.cross_entropy(torch.einsum('id,jd->ij', out, x), y)"), "train.py:11: einsum() may compare"),
        (loop(loss="F.cross_entropy(out, torch.arange(len(x)))"), "train.py:11: arange() numbers the samples"),
        (loop(loss="F.mse_loss(out, y[torch.randperm(len(y))])"), "train.py:11: randperm() may compare"),
        (loop(loss="F.mse_loss(out, y) / accumulation_steps"), "train.py:11: accumulation_steps speaks of"),
        (loop(loss="ssim(out, y)"), "no loss was found that is known to be a mean"),
        (loop("n = x.size(0)", "F.mse_loss(out, y) + 0 * n"), "train.py:11: whether n holds one row"),
        (loop("w = draw()", "(F.mse_loss(out, y) * w).mean()"), "train.py:11: whether w holds one row"),
        (loop("x, h = (x, h)", "F.mse_loss(out + (h := out), y)"), "train.py:11: h is carried"),
        (loop(behind="loss.backward(retain_graph=True)"), "train.py:13: backward() has arguments"),
        (loop(behind="if loss.isnan(): break\n    loss.backward()"), "train.py:13: the step is left"),
        (
            loop(end="print(out)").replace("F.cross_entropy(out, y)", "(out - y).abs().mean()"),
            "train.py:15: out of the whole",
        ),
        (
            loop().replace("    optimizer.step()", "    if n % 4 == 0:\n        optimizer.step()"),
            "train.py:15: the optimizer does not",
        ),
        (
            loop().replace("nn.Linear(4, 2)", "nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))"),
            "train.py:5: BatchNorm1d takes",
        ),
        (loop().replace("nn.Linear(4, 2)", "nn.DataParallel(nn.Linear(4, 2))"), "train.py:5: gradients are exchanged"),
        (loop().replace("nn.Linear(4, 2)", "nn.LSTM(4, 2)"), "train.py:5: LSTM without batch_first=True"),
        (
            "import timm\n" + loop().replace("nn.Linear(4, 2)", "timm.create_model('x')"),
            "train.py:6: what timm.create_model",
        ),
        (loop().replace("for x, y in loader", "for x, y in stream()"), "train.py:10: whether x holds one row"),
        (
            loop() + "for x, y in loader:\n    F.mse_loss(model(x), y).backward()\n",
            "train.py:17: backward() is called here and",
        ),
        ("import torch\n", "no loss.backward() was found"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    assert rejection(SPLIT, text).startswith(reason)


@pytest.mark.parametrize("name", FITTING[:4])
def test_a_second_time_does_not_fit(name: str) -> None:
    rejection(SPLIT, edit(SPLIT, script(name)))


def test_batch_norm_of_a_real_script() -> None:
    assert rejection(SPLIT, script("image_classifier")).startswith("train.py:31: BatchNorm2d")
