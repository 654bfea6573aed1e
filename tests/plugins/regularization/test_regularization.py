"""Dropout, weight decay in groups, clipped gradients: edits as on file, what the optimizer sees, reasons why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plugins.scripts import NAMES, edited, expect_as_clean, expect_golden, rejection, run, same_gradients, script

from nightlab.plugins.regularization import PLUGIN

DROPOUT, GROUPS, CLIP = PLUGIN.actions
STEP = """\
import torch
from torch import nn
model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
loss = model(torch.ones(1, 4)).sum()
loss.backward()
optimizer.step()
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("action", PLUGIN.actions, ids=lambda each: each.name)
def test_the_edit(action, name: str, tmp_path: Path) -> None:
    arguments = {"dropout": {"p": 0.2}, "clip": {"max_norm": 0.5}}.get(action.name, {})
    expect_as_clean(script(name), expect_golden(action, name, **arguments), tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_clipped(name: str, tmp_path: Path) -> None:
    seen = run(edited(CLIP, script(name), max_norm=0.05), tmp_path)
    for step in seen.gradients:
        assert sum(float(each.norm()) ** 2 for each in step) ** 0.5 <= 0.05 + 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_vectors_do_not_decay(name: str, tmp_path: Path) -> None:
    before, after = (run(text, tmp_path) for text in (script(name), edited(GROUPS, script(name))))
    ((every, decay),) = before.groups
    assert [each for each, _ in after.groups] == [[d for d in every if d >= 2], [d for d in every if d < 2]]
    assert [each for _, each in after.groups] == [decay, 0.0]
    assert decay > 0


@pytest.mark.parametrize("name", NAMES)
def test_dropout_takes_effect(name: str, tmp_path: Path) -> None:
    some, none = (run(edited(DROPOUT, script(name), p=p), tmp_path) for p in (0.4, 0.0))
    assert not same_gradients(some, none)


def test_applied_again_clip_and_dropout_change_the_number() -> None:
    once = edited(CLIP, script("flat_constants"), max_norm=2.0)
    assert edited(CLIP, once, max_norm=0.5) == edited(CLIP, script("flat_constants"), max_norm=0.5)
    once = edited(DROPOUT, script("image_classifier"), p=0.5)
    assert edited(DROPOUT, once, p=0.25) == script("image_classifier")


def test_clipping_behind_a_scaler_unscales_first() -> None:
    text = STEP.replace("loss.backward()", "scaler.scale(loss).backward()").replace(
        "optimizer.step()", "scaler.step(optimizer)"
    )
    expected = (
        "scaler.unscale_(optimizer)\ntorch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\nscaler.step(optimizer)\n"
    )
    assert edited(CLIP, text).endswith(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            STEP.replace("optimizer.step()", "optimizer.step(closure)"),
            "train.py:7: optimizer.step() is given a closure",
        ),
        (STEP + "optimizer.step()\n", "train.py:8: the optimizer steps here and at train.py:7"),
        (STEP.replace("optimizer.step()", "n = optimizer.step()"), "train.py:7: the step of the optimizer is part of"),
        (STEP + "nn.utils.clip_grad_value_(model.parameters(), 1)\n", "train.py:8: clip_grad_value_ clips"),
        (STEP + "nn.utils.clip_grad_norm_(model.parameters(), limit())\n", "train.py:8: where the limit limit() gets"),
        (STEP.replace("loss.backward()\n", ""), "no loss.backward() was found"),
        ("import torch\n", "no optimizer.step() was found"),
    ],
)
def test_what_clip_refuses(text: str, reason: str) -> None:
    assert rejection(CLIP, text).startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (STEP.replace(", weight_decay=0.1", ""), "train.py:4: SGD is given no weight decay"),
        (STEP.replace("weight_decay=0.1", "weight_decay=0"), "train.py:4: the weight decay is 0"),
        (
            STEP.replace("model.parameters()", "groups(model)"),
            "train.py:4: the optimizer is not given model.parameters()",
        ),
        (STEP + "optimizer.param_groups[0]['lr'] = 0.2\n", "train.py:8: one parameter group is set by its number"),
        (STEP + "torch.optim.Adam(model.parameters())\n", "train.py:8: an optimizer is made here and at train.py:4"),
        ("import torch\n", "no construction of an optimizer"),
    ],
)
def test_what_weight_decay_groups_refuses(text: str, reason: str) -> None:
    assert rejection(GROUPS, text).startswith(reason)


@pytest.mark.parametrize("name", NAMES)
def test_groups_do_not_fit_twice(name: str) -> None:
    assert "its groups are the script's own" in rejection(GROUPS, edited(GROUPS, script(name)))


def test_what_dropout_refuses() -> None:
    assert rejection(DROPOUT, STEP).startswith("the model has no dropout")
    assert rejection(DROPOUT, STEP + "nn.Dropout(rate())\n").startswith("no rate of dropout is a literal")
