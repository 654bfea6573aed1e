"""What the workload is told: command, environment, seed."""

from __future__ import annotations

import pytest

from nightlab.controller.config.schema import Seed, Train
from nightlab.controller.errors import ConfigError
from nightlab.controller.model.site import Site
from nightlab.controller.trial.workload import command, environment, with_argument

SITE = Site(
    image_id="sha256:" + "0" * 64,
    env={"PATH": "/venv/bin", "OMP_NUM_THREADS": "7", "PYTHONPATH": "/app/src", "HOME": "/root"},
    entrypoint=("/entry.sh",),
    command=("python", "x.py"),
    image_user="",
    uid=65532,
    gid=65532,
    user="nightlab",
    home="/root",
    workspace="/app",
    workdir="/app",
    places=(),
)


@pytest.mark.parametrize(
    ("argv", "name", "expected"),
    [
        (("python", "t.py"), "--seed", ("python", "t.py", "--seed", "5")),
        (("python", "t.py", "--seed", "1", "-v"), "--seed", ("python", "t.py", "--seed", "5", "-v")),
        (("python", "t.py", "--seed=1"), "--seed", ("python", "t.py", "--seed=5")),
        (("python", "t.py", "seed=1"), "seed=", ("python", "t.py", "seed=5")),
        (("python", "t.py"), "seed=", ("python", "t.py", "seed=5")),
        (("python", "t.py", "--seeded", "1"), "--seed", ("python", "t.py", "--seeded", "1", "--seed", "5")),
    ],
)
def test_a_seed_argument_is_replaced_or_appended(argv: tuple[str, ...], name: str, expected: tuple[str, ...]) -> None:
    assert with_argument(argv, name, "5") == expected


def test_the_images_entrypoint_comes_before_the_command_only_where_asked() -> None:
    seed = Seed(kind="argument", name="--seed")
    wrapped = Train(command="python 'my script.py'", entrypoint="image")
    assert command(SITE, wrapped, seed=seed, run_seed=3) == ("/entry.sh", "python", "my script.py", "--seed", "3")
    assert command(SITE, Train(command="python t.py"), seed=seed, run_seed=None) == ("python", "t.py")


def test_a_command_that_cannot_be_split_names_its_field() -> None:
    with pytest.raises(ConfigError, match=r"train\.command.*No closing quotation"):
        command(SITE, Train(command="python 't.py"), seed=Seed(), run_seed=None)


def test_the_users_word_wins_over_the_image_and_the_image_over_defaults() -> None:
    train = Train(command="x", cpus=2.5, env={"PYTHONPATH": "/mine"})
    env = environment(SITE, train, seed=Seed(kind="variable", name="SEED"), run_seed=9)
    assert env["PYTHONPATH"] == "/mine"
    assert env["OMP_NUM_THREADS"] == "7"
    assert env["MKL_NUM_THREADS"] == "3"
    assert env["PATH"] == "/venv/bin"
    assert env["HOME"] == "/root"
    assert env["SEED"] == "9"
    assert env["HF_HUB_OFFLINE"] == "1"
