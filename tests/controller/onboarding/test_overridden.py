"""A literal that the training command sets is not searched: another value in the file would change nothing."""

import pytest

from nightlab.controller.onboarding.overridden import set_by_command

LITERALS = (
    "train.py:--lr",
    "train.py:--batch-size",
    "train.py:DEFAULTS.optim.lr",
    "conf/base.yaml:model.width",
    "model.py:WIDTH",
)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python train.py", ()),
        ("python train.py --lr 0.1", ("train.py:--lr", "train.py:DEFAULTS.optim.lr")),
        ("python train.py --batch_size=8", ("train.py:--batch-size",)),
        ("python train.py optim.lr=0.3 seed=3", ("train.py:DEFAULTS.optim.lr",)),
        ("python train.py ++model.width=8", ("conf/base.yaml:model.width",)),
        ("python train.py other.lr=1 --learn-rate 2", ()),
        ("make train WIDTH=3", ("model.py:WIDTH",)),
        ("lr=3", ()),
    ],
)
def test_what_the_command_sets_is_named(command: str, expected: tuple[str, ...]) -> None:
    assert set_by_command(command.split(), LITERALS) == expected
