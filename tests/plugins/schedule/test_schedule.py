"""The learning rate over the run: what is written, what a run then does, and code that is left alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.scripts import edited, expect_as_clean, expect_golden, rejection, run, script

from nightlab.plugins.schedule import PLUGIN

(SCHEDULE,) = PLUGIN.actions
FITTING = {"argparse_function": 1e-2, "flat_constants": None, "image_classifier": 0.05, "trainer_class": 0.05}
LOOP = """\
import torch
from torch import nn

model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(20):
    loss = model(torch.ones(3, 4)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
FACTORY = """\
from torch import nn, ones
from torch.optim import AdamW as Make

def make(net: nn.Module) -> Make:
    return Make([{"params": net.weight, "lr": 0.2}, {"params": net.bias}], lr=0.1)

def main(total: int = 12) -> None:
    net = nn.Linear(2, 1)
    opt = make(net)
    done = 0
    while done < total:
        opt.zero_grad()
        loss = net(ones(5, 2)).square().sum()
        loss.backward()
        opt.step()
        done += 1

main()
"""


@contextlib.contextmanager
def _rates_seen() -> Iterator[list[list[float]]]:
    hooks = pytest.importorskip("torch.optim.optimizer")
    seen: list[list[float]] = []

    def before_step(optimizer: Any, *_: Any) -> None:
        seen.append([group["lr"] for group in optimizer.param_groups])

    handle = hooks.register_optimizer_step_pre_hook(before_step)
    try:
        yield seen
    finally:
        handle.remove()


def _rates(text: str, folder: Path) -> list[list[float]]:
    with _rates_seen() as seen:
        run(text, folder)
    return seen


def _expected(shape: str, progress: float, warmup: float, final: float, decay: float) -> float:
    """The definition, written once more and in another way."""
    if progress < warmup:
        return progress / warmup
    part = {"cosine": warmup, "linear": warmup, "constant": 1.0, "wsd": 1 - decay}[shape]
    done = 0.0 if shape == "constant" else min(1.0, max(0.0, (progress - part) / (1 - part)))
    fall = (1 - math.cos(math.pi * done)) / 2 if shape == "cosine" else done
    return 1 - (1 - final) * fall


@pytest.mark.parametrize("name", FITTING)
def test_the_edit(name: str, tmp_path: Path) -> None:
    expect_as_clean(script(name), expect_golden(SCHEDULE, name), tmp_path)


@pytest.mark.parametrize("name", FITTING)
def test_a_script_runs_with_it_from_a_first_part_to_the_last(name: str, tmp_path: Path) -> None:
    plain = _rates(script(name), tmp_path)
    rates = _rates(edited(SCHEDULE, script(name), shape="linear", warmup=0.25, final=0.2), tmp_path)
    peak = plain[0][0]
    total = len(plain)
    assert len(rates) == total > 3
    wanted = [peak * _expected("linear", (at + 1) / total, 0.25, 0.2, 0.2) for at in range(total)]
    assert [each[0] for each in rates] == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("shape", ["cosine", "linear", "constant", "wsd"])
@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_every_shape_is_as_defined(shape: str, warmup: float, tmp_path: Path) -> None:
    text = edited(SCHEDULE, LOOP, shape=shape, warmup=warmup, final=0.05, decay=0.3)
    wanted = [0.1 * _expected(shape, (at + 1) / 20, warmup, 0.05, 0.3) for at in range(20)]
    assert [each[0] for each in _rates(text, tmp_path)] == pytest.approx(wanted, rel=1e-3)


def test_groups_keep_their_ratio(tmp_path: Path) -> None:
    rates = _rates(edited(SCHEDULE, FACTORY, shape="linear", warmup=0.25, final=0.0), tmp_path)
    assert len(rates) == 12
    assert all(weight == pytest.approx(2 * bias) for weight, bias in rates)
    assert rates[2] == pytest.approx([0.2, 0.1])
    assert rates[-1] == pytest.approx([0.0, 0.0])


def test_a_second_schedule_takes_the_place_of_the_first() -> None:
    once = edited(SCHEDULE, LOOP, shape="cosine", final=0.3)
    assert edited(SCHEDULE, once, shape="cosine", final=0.3) == once
    assert edited(SCHEDULE, once, shape="wsd", warmup=0.0) == edited(SCHEDULE, LOOP, shape="wsd", warmup=0.0)


def test_a_scaler_and_accumulation_are_stepped_with_their_rate() -> None:
    text = LOOP.replace("    loss.backward()\n    optimizer.step()\n", SCALED)
    lines = edited(SCHEDULE, text).splitlines()
    place = lines.index("        scaler.step(optimizer)")
    assert lines[place - 3].strip() == "for group in optimizer.param_groups:"
    assert lines[place - 2].strip() == "progress = (step + 1) / 20"


SCALED = """\
    scaler.scale(loss).backward()
    if (step + 1) % 4 == 0:
        scaler.step(optimizer)
        scaler.update()
"""


def test_names_in_use_are_left_alone() -> None:
    text = edited(SCHEDULE, LOOP.replace("model =", "group = progress = 1\nmodel ="))
    assert "for group_ in optimizer.param_groups:" in text
    assert "progress_ = (step + 1) / 20" in text


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("step in range(20)", "step in forever()", "train.py:6 loops over forever()"),
        (
            "    loss.backward()",
            "    if step > 9:\n        break\n    loss.backward()",
            "train.py:10: the loop may end here",
        ),
        ("for step in range(20):", "while loss > 0.1:", "train.py:6 is a loop whose number"),
        (
            ".step()\n",
            ".step()\nsched = torch.optim.lr_scheduler.StepLR(optimizer, 3)\n",
            "train.py:11: makes a StepLR already",
        ),
        (".step()\n", ".step()\n    scheduler.step()\n", "train.py:11: steps scheduler"),
        (
            "    loss.backward()",
            '    optimizer.param_groups[0]["lr"] = 1.0\n    loss.backward()',
            "train.py:9: sets the learning rate already",
        ),
        ("optimizer.step()", "optimizer.step(lambda: loss)", "a closure"),
        ("optimizer.step()", "pass", "no optimizer.step() was found"),
        ("    optimizer.step()\n", "    optimizer.step()\n    optimizer.step()\n", "only one is understood"),
        ("model =", "lr_multiplier = 3\nmodel =", "the name lr_multiplier stands for something else"),
        (
            "import torch\n",
            "import torch\nfrom transformers import Trainer\nTrainer(1)\n",
            "hands the training loop to Hugging Face",
        ),
    ],
)
def test_code_that_is_not_understood_is_left_alone(old: str, new: str, reason: str) -> None:
    assert reason in rejection(SCHEDULE, LOOP.replace(old, new, 1))


def test_a_script_with_a_schedule_of_its_own_is_left_alone() -> None:
    assert rejection(SCHEDULE, script("nano")) == "train.py:117: sets the learning rate already"


def test_a_step_that_is_called_from_two_places_is_left_alone() -> None:
    text = FACTORY.replace("        opt.step()", "        move(opt)") + "def move(opt):\n    opt.step()\nmove(1)\n"
    assert "called from several places" in rejection(SCHEDULE, text)
