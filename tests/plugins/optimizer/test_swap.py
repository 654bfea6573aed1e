"""Another optimizer with a matching learning rate: what is written, what a run then does, what is left alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.scripts import NAMES, applied, edited, expect_as_clean, expect_golden, rejection, run, script

from nightlab.plugins.optimizer import PLUGIN
from nightlab.plugins.training.written import LION
from nightlab.sdk.testing import Rejected, apply, check

SWAP, SHRINK = PLUGIN.actions
OPTIMIZERS = ("sgd", "nesterov", "adam", "adamw", "nadam", "radam", "lion", "muon")
# Which optimizer each script is given for its golden edit, so that together they show every kind.
GOLDEN = {
    "argparse_function": "sgd",
    "flat_constants": "lion",
    "image_classifier": "adamw",
    "nano": "nadam",
    "trainer_class": "muon",
}
LOOP = """\
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
x = torch.randn(64, 4)
y = x.sum(dim=1, keepdim=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1, betas=(0.9, 0.95))
for step in range(300):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step in (0, 299):
        print(loss.item())
"""


def _made(text: str) -> str:
    found = re.search(r"^optimizer = (.*)$", text, re.MULTILINE)
    assert found
    return found[1]


def _written(short: str) -> str:
    return short.replace("MODEL", "model.parameters()").replace("BETAS", "betas=(0.9, 0.95)")


def _offered(text: str) -> list[str]:
    checked = check(SWAP, {"train.py": text})
    assert checked.applicable and checked.schema is not None
    names: list[str] = checked.schema["properties"]["optimizer"]["enum"]
    return names


@pytest.mark.parametrize("name", NAMES)
def test_the_edit(name: str, tmp_path: Path) -> None:
    expect_as_clean(script(name), expect_golden(SWAP, name, optimizer=GOLDEN[name]), tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_every_script_runs_with_every_optimizer_that_is_offered(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    names = _offered(script(name))
    assert len(names) >= 6
    for optimizer in names:
        text = edited(SWAP, script(name), optimizer=optimizer)
        assert run(text, tmp_path).gradients, optimizer


@pytest.mark.parametrize("optimizer", [each for each in OPTIMIZERS if each != "adamw"])
def test_the_loss_falls(optimizer: str, tmp_path: Path) -> None:
    first, last = map(float, run(edited(SWAP, LOOP, optimizer=optimizer), tmp_path).output.split())
    assert last < 0.7 * first


@pytest.mark.parametrize(
    ("optimizer", "made"),
    [
        ("sgd", "torch.optim.SGD(MODEL, lr=0.09, weight_decay=0.003333, momentum=0.9)"),
        ("nesterov", "torch.optim.SGD(MODEL, lr=0.09, weight_decay=0.003333, momentum=0.9, nesterov=True)"),
        ("lion", "Lion(MODEL, lr=0.0006, weight_decay=0.5)"),
        ("radam", "torch.optim.RAdam(MODEL, lr=3e-3, weight_decay=0.1, BETAS, decoupled_weight_decay=True)"),
    ],
)  # fmt: skip
def test_rate_and_decay_match(optimizer: str, made: str) -> None:
    assert _made(edited(SWAP, LOOP, optimizer=optimizer)) == _written(made)


def test_the_scale_is_multiplied_onto_literals_names_and_expressions() -> None:
    for written, expected in (("1e-3", "0.0004"), ("args.lr", "args.lr * 0.4"), ("a + b", "(a + b) * 0.4")):
        text = LOOP.replace("lr=3e-3", f"lr={written}")
        assert f"lr={expected}," in _made(edited(SWAP, text, optimizer="lion", lr_scale=2.0))


def test_rates_that_are_set_elsewhere_move_along() -> None:
    text = edited(SWAP, script("nano"), optimizer="sgd")
    assert 'param_group["lr"] = learning_rate * 0.9**iter_num * 30.0' in text
    scheduled = LOOP.replace("for step", "s = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, 300)\nfor step")
    assert "OneCycleLR(optimizer, 0.09, 300)" in edited(SWAP, scheduled, optimizer="sgd")


def test_groups_and_comments_stay_as_they_are() -> None:
    text = LOOP.replace(
        "torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1, betas=(0.9, 0.95))",
        'torch.optim.AdamW(\n    [{"params": first(), "lr": 0.01}, *rest],  # two\n    lr=3e-3,  # tuned\n)',
    )
    new = edited(SWAP, text, optimizer="sgd")
    assert '[{"params": first(), "lr": 0.3}, *rest],  # two\n    lr=0.09,  # tuned\n' in new


def test_a_class_that_was_written_goes_with_its_last_use() -> None:
    lion = edited(SWAP, LOOP, optimizer="lion")
    assert lion.count("class Lion(") == 1
    again = edited(SWAP, lion, optimizer="muon")
    assert "class Lion(" not in again and again.count("class Muon(") == 1
    assert "lion" not in _offered(lion)


def test_lion_steps_as_its_authors_define_it() -> None:
    torch = pytest.importorskip("torch")
    names: dict[str, Any] = {"torch": torch}
    exec(LION.replace("TORCH", "torch"), names)
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    lion = names["Lion"]([weight], lr=0.1, betas=(0.9, 0.99), weight_decay=0.2)
    wanted, momentum = weight.detach().clone(), torch.zeros(3, dtype=torch.float64)
    target = torch.tensor([0.5, 0.0, -1.0], dtype=torch.float64)
    for _ in range(25):
        lion.zero_grad()
        (weight - target).square().sum().backward()
        gradient = 2 * (wanted - target)
        update = torch.sign(0.9 * momentum + 0.1 * gradient)
        momentum = 0.99 * momentum + 0.01 * gradient
        wanted = wanted - 0.1 * (update + 0.2 * wanted)
        lion.step()
        assert torch.allclose(weight.detach(), wanted, rtol=1e-12)


def test_shrink_offers_what_keeps_one_number_for_a_weight() -> None:
    checked = check(SHRINK, {"train.py": LOOP})
    assert checked.schema is not None
    assert checked.schema["properties"]["optimizer"]["enum"] == ["sgd", "nesterov", "lion"]
    with pytest.raises(Rejected, match="has no two states"):
        apply(SHRINK, {"train.py": edited(SWAP, LOOP, optimizer="sgd")}, optimizer="lion")


def test_an_optimizer_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(Rejected) as refused:
        apply(SWAP, {"train.py": LOOP}, optimizer="adamw")
    assert refused.value.notes[0].pointer == "/optimizer"


def test_only_the_file_that_makes_it_is_edited() -> None:
    files = {"train.py": "from lib import make\nmake()\n", "lib.py": LOOP}
    after = applied(SWAP, files, optimizer="sgd")
    assert after["train.py"] == files["train.py"]
    assert after["lib.py"] == edited(SWAP, LOOP, optimizer="sgd")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("torch.optim.AdamW(", "Sophia(", "train.py:8 makes Sophia"),
        ("for step", "b = torch.optim.SGD([x])\nfor step", "train.py:9 makes a second optimizer, after train.py:8"),
        ("optimizer.step()", "optimizer.step(lambda: loss)", "train.py:13 passes a closure"),
        ("model.parameters(), ", "*args, ", "passes *arguments"),
        ("betas=(0.9, 0.95)", "**extra", "passes **arguments to AdamW"),
        ("betas=(0.9, 0.95)", "speed=3", "passes speed to AdamW"),
        ("import torch\n", "import torch\nimport lightning as L\nL.Trainer()\n", "loop to Lightning"),
        ("    loss.backward()", '    optimizer.state[x]["exp_avg"] = 0\n    loss.backward()', "another optimizer"),
        ("torch.optim.AdamW(", "{'a': torch.optim.AdamW}['a'](", "no optimizer of torch.optim is made"),
    ],
)  # fmt: skip
def test_code_that_is_not_understood_is_left_alone(old: str, new: str, reason: str) -> None:
    assert reason in rejection(SWAP, LOOP.replace(old, new, 1))
