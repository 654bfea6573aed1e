"""Ways to set a seed: what the command already says comes first, with the value it has there."""

import pytest

from nightlab.controller.actions.model import Note
from nightlab.controller.config.schema import Seed
from nightlab.controller.onboarding.seed import seed_options
from nightlab.controller.trial.workload import with_argument

LITERAL = Note("note", "seed: literal train.py:DEFAULTS.seed = 0", "train.py:DEFAULTS.seed", "train.py:4")
ARGUMENT = Note("note", "seed: argument --seed default 0", "train.py:--seed", "train.py:4")


@pytest.mark.parametrize(
    ("command", "name", "base"),
    [
        ("python train.py lr=0.3 seed=7", "seed=", 7),
        ("python train.py ++train.seed=41", "++train.seed=", 41),
        ("python train.py --seed=5", "--seed", 5),
        ("python train.py --seed 6 --lr 1", "--seed", 6),
        ("python train.py --random-state 6", "--random-state", 6),
        ("make train SEED=8", "SEED=", 8),
    ],
)
def test_a_seed_on_the_command_line_is_replaced_there(command: str, name: str, base: int) -> None:
    argv = tuple(command.split())
    first = seed_options([LITERAL, ARGUMENT], argv, [])[0]
    assert first.seed == Seed(kind="argument", name=name, base=base)
    replaced = with_argument(argv, name, "99")
    assert len(replaced) == len(argv)
    assert " ".join(replaced) == command.replace(str(base), "99")


@pytest.mark.parametrize("command", ["python train.py --seed", "python train.py seed=auto", "python seed=3.py"])
def test_what_is_no_seed_is_left_alone(command: str) -> None:
    found = seed_options([LITERAL], command.split(), [])
    assert [option.seed.kind for option in found] == ["literal"]


def test_an_argument_that_make_does_not_pass_on_is_set_by_its_default() -> None:
    fixed = Note("note", "seed: literal train.py:default_rng(seed) = 99", "train.py:default_rng(seed)", "train.py:13")
    found = seed_options([ARGUMENT, fixed], ["make", "train"], [])
    assert [option.seed for option in found] == [
        Seed(kind="literal", name="train.py:--seed", base=0),
        Seed(kind="literal", name="train.py:default_rng(seed)", base=99),
    ]


@pytest.mark.parametrize(
    ("text", "base", "is_known"), [(' default "11"', 11, True), (" default 7", 7, True), ("", 1337, False)]
)
def test_a_variable_starts_from_its_default(text: str, base: int, is_known: bool) -> None:
    (found,) = seed_options(
        [Note("note", f"seed: variable RUN_SEED{text}", "", "train.py:3")], ["python", "train.py"], []
    )
    assert (found.seed, found.is_known) == (Seed(kind="variable", name="RUN_SEED", base=base), is_known)
