"""What a smoke run is told: its command, the arguments that make it short, its seed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.controller.study.rehearsal import config
from tests.controller.trial.test_workload import SITE

from nightlab.controller.config.schema import Config
from nightlab.controller.trial.smoke_command import smoke_command, smoke_environment, with_arguments


@pytest.mark.parametrize(
    ("command", "arguments", "expected"),
    [
        ("t.py", "--max-steps 3", "t.py --max-steps 3"),
        ("t.py --max-steps 900 -v", "--max-steps 3", "t.py --max-steps 3 -v"),
        ("t.py --max-steps=900", "--max-steps=3", "t.py --max-steps=3"),
        ("t.py --max-steps=900", "--max-steps 3", "t.py --max-steps=3"),
        ("t.py trainer.steps=900", "trainer.steps=3", "t.py trainer.steps=3"),
        ("t.py", "+trainer.steps=3 --tiny", "t.py +trainer.steps=3 --tiny"),
        ("t.py --tiny", "--tiny", "t.py --tiny"),
        ("t.py --layers 8 8 8 --x 1", "--layers 2 2", "t.py --layers 2 2 --x 1"),
        ("t.py", "--offset -1 small", "t.py --offset -1 small"),
        ("t.py train", "extra --n 2", "t.py train extra --n 2"),
    ],
)
def test_arguments_replace_what_is_there(command: str, arguments: str, expected: str) -> None:
    assert " ".join(with_arguments(tuple(command.split()), arguments.split())) == expected


def of(**smoke: Any) -> Config:
    noise = {"seed": {"kind": "argument", "name": "--seed"}}
    return Config.model_validate({**config().model_dump(), "noise": noise, "smoke": smoke})


def test_the_training_command_gets_the_seed_and_an_own_command_only_where_it_has_one() -> None:
    assert smoke_command(SITE, of(arguments=["--n", "1"]), run_seed=5)[-4:] == ("--n", "1", "--seed", "5")
    assert smoke_command(SITE, of(command="pytest -x"), run_seed=5) == ("pytest", "-x")
    assert smoke_command(SITE, of(command="smoke.sh --seed 0"), run_seed=5) == ("smoke.sh", "--seed", "5")


def test_the_order_of_sets_is_fixed_unless_the_user_says_otherwise() -> None:
    assert smoke_environment(SITE, of(env={"STEPS": "3"}), run_seed=None)["PYTHONHASHSEED"] == "0"
    assert smoke_environment(SITE, of(env={"STEPS": "3"}), run_seed=None)["STEPS"] == "3"
    assert smoke_environment(SITE, of(env={"PYTHONHASHSEED": "7"}), run_seed=None)["PYTHONHASHSEED"] == "7"
