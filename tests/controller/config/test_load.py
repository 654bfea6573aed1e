"""A config is right, or every wrong setting is named with its line, what was found and what would be right."""

from pathlib import Path

import pytest

from nightlab.controller.config.load import load_config, parse_config
from nightlab.controller.errors import ConfigError

GOOD = """\
name = "tiny"

[image]
build_args = { BASE = "debian" }

[train]
command = "python train.py"
timeout = "90s"
memory = "2g"

[[objectives]]
name = "val_bpb"
measure = { source = "regex", pattern = 'val_bpb: (\\S+)' }

[[objectives]]
name = "memory"
measure = { source = "observed", quantity = "peak_memory" }

[search.tunable."train.py:LR"]
low = 1e-4
high = 1e-1
"""


def problems_of(text: str, **options) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, **options)
    head, *lines = str(caught.value).splitlines()
    assert ("one setting is" if len(lines) == 1 else f"{len(lines)} settings are") in head
    return [line.strip() for line in lines]


def with_line(text: str, after: str) -> str:
    assert after in GOOD
    return GOOD.replace(after, f"{after}\n{text}")


def test_good_config_is_read_from_a_file_or_its_repo(tmp_path: Path):
    (tmp_path / "nightlab.toml").write_text(GOOD)
    config = load_config(tmp_path)
    assert config == load_config(tmp_path / "nightlab.toml")
    assert (config.train.timeout, config.train.memory) == (90.0, 2 * 2**30)
    assert [objective.name for objective in config.objectives] == ["val_bpb", "memory"]
    assert config.search.tunable["train.py:LR"].low == 1e-4


def test_missing_file_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"there is no '.*nightlab\.toml'; `nightlab init .*` looks at the repo"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"[train\n", r"is not TOML: .*line 1"),
        (b'a = "x"\nname = "caf\xe9"\n', "not UTF-8 in line 2"),
        (b"#" * 1_100_000, "larger than 1 MiB"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
    ],
)
def test_unreadable_file_says_where(tmp_path: Path, content: bytes, text: str):
    (tmp_path / "nightlab.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=text):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("line", "after", "problem"),
    [
        ("timout = 3", "[train]", "line 7: train.timout: is not a setting; did you mean 'timeout'?; known here: "),
        ('cpus = "many"', "[train]", 'line 7: train.cpus: found "many"; should be a valid number'),
        ("cpus = -1", "[train]", "line 7: train.cpus: found -1; should be greater than 0"),
        ('shm = "8 apples"', "[train]", "line 7: train.shm: '8 apples' is not a size; write bytes or a number"),
        ('user = "root"', "[train]", 'line 7: train.user: found "root"; must be "auto", "uid" or "uid:gid" in numbers'),
        ("outputs = 3", "[train]", 'line 7: train.outputs: found 3; should be a list, such as ["a", "b"]'),
        ('outputs = [\n "a",\n 3]', "[train]", "line 7: train.outputs[1]: found 3; should be text in quotes"),
        (
            'direction = "minimise"',
            'name = "val_bpb"',
            "line 13: objectives[0].direction: found \"minimise\"; should be 'minimize' or",
        ),
        ('measured = 1', 'name = "memory"', "line 17: objectives[1].measured: is not a setting; did you mean"),
        ("log = 7", "high = 1e-1", 'line 22: search.tunable."train.py:LR".log: found 7; should be a'),
        ("x = 1", "high = 1e-1", 'line 22: search.tunable."train.py:LR".x: is not a setting; known here: low'),
    ],
)  # fmt: skip
def test_wrong_setting_is_named_with_its_line_and_what_would_be_right(line: str, after: str, problem: str):
    (found,) = problems_of(with_line(line, after))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name = "tiny"', 'name = "a b"', 'line 1: name: found "a b"; should start with a letter'),
        ('command = "python train.py"\n', "", 'line 6: train.command: is missing; add command = "python train.py"'),
        ('command = "python train.py"', "command = true", "line 7: train.command: found true; should be text in"),
        ("'val_bpb: (\\S+)'", "'val_bpb'", 'line 13: objectives[0].measure.pattern: found "val_bpb"; has 0 groups;'),
        ("pattern =", "patern =", "line 13: objectives[0].measure.patern: is not a setting; did you mean 'pattern'?"),
        ('"regex"', '"regexp"', 'line 13: objectives[0].measure.source: found "regexp"; should be "regex", "json"'),
        ('"peak_memory"', '"memory"', "line 17: objectives[1].measure.quantity: found \"memory\"; should be 'wall"),
        ('name = "memory"', 'name = "val_bpb"', "objectives and constraints share a name: val_bpb"),
    ],
)  # fmt: skip
def test_changed_setting_is_named(old: str, new: str, problem: str):
    assert old in GOOD
    assert any(found.startswith(problem) for found in problems_of(GOOD.replace(old, new)))


def test_all_problems_come_at_once_in_the_order_of_the_file():
    text = GOOD.replace('"90s"', '"soon"').replace('"2g"', '"big"').replace(', quantity = "peak_memory"', "")
    found = problems_of("nam = 1\n" + text)
    assert [line.split(":")[0] for line in found] == ["line 1", "line 9", "line 10", "line 18"]


def test_missing_tables_are_said_with_an_example():
    measure = r'measure = { source = "regex", pattern = "val_loss: (\\S+)" }'
    assert problems_of("") == [
        f'objectives: is missing; add [[objectives]] with name = "val_loss" and {measure}',
        'train: is missing; add [train] with command = "python train.py"',
    ]
    assert (
        "objectives: is empty; should have at least one entry" in problems_of("objectives = []\ntrain.command = 'x'")[0]
    )


def test_overrides_win_over_environment_and_environment_over_file():
    env = {"NIGHTLAB__TRAIN__TIMEOUT": "2m", "NIGHTLAB__TRAIN__CPUS": "3", "NIGHTLAB_OTHER": "x", "HOME": "/root"}
    config = parse_config(GOOD, env=env, overrides=["train.cpus=4", "budget.trials = 7"])
    assert (config.train.timeout, config.train.cpus, config.budget.trials) == (120.0, 4.0, 7)


def test_overrides_reach_every_kind_of_setting():
    config = parse_config(
        GOOD,
        overrides=[
            'train.outputs=["out/**", "a.csv"]',
            "train.env.OMP_NUM_THREADS=2",
            "objectives[1].direction=maximize",
            'objectives[0].measure={source = "json", path = "m.json", key = "loss"}',
            'search.tunable."train.py:LR".high=0.5',
            "train.command=bash -c 'x=1 python train.py'",
            "security.allow_degraded=true",
        ],
        env={"NIGHTLAB__TRAIN__ENV__MixedCase": "kept", "nightlab__objectives__0__unit": "bits"},
    )
    assert config.train.outputs == ("out/**", "a.csv")
    assert config.train.env == {"OMP_NUM_THREADS": "2", "MixedCase": "kept"}
    assert (config.objectives[1].direction, config.objectives[0].unit) == ("maximize", "bits")
    assert config.objectives[0].measure.source == "json"
    assert config.search.tunable["train.py:LR"].high == 0.5
    assert config.train.command == "bash -c 'x=1 python train.py'"
    assert config.security.allow_degraded is True


def test_wrong_override_is_named_by_where_it_came_from():
    found = problems_of(
        GOOD,
        overrides=[
            "nonsense",
            "trian.cpus=1",
            "train.cpus=x",
            "objectives[7].name=x",
            'train.env=["',
            "name.x=1",
            "=3",
        ],
        env={"NIGHTLAB__BUDGET__TRIALS": "lots", "NIGHTLAB__": "x"},
    )
    assert sorted(line.split(";")[0] for line in found) == sorted(
        [
            "NIGHTLAB__: is not an assignment",
            "override 'nonsense': is not an assignment",
            "override '=3': is not an assignment",
            "override: trian: is not a setting",
            'override: train.cpus: found "x"',
            "override: objectives[7].name: is not there to be changed",
            'override: train.env: found [", which is not a TOML value: Unterminated string (at end of document)',
            "override: name.x: is not there to be changed",
            'NIGHTLAB__BUDGET__TRIALS: budget.trials: found "lots"',
        ]
    )


def test_found_values_cannot_harm_the_terminal():
    (found,) = problems_of(GOOD.replace('"90s"', r'"\u001b]52;c;eA==\u0007"'))
    assert "\x1b" not in found
    (found,) = problems_of(GOOD, overrides=["\x1b[2J"])
    assert "\x1b" not in found


def test_a_measure_without_a_source_is_a_regular_expression():
    config = parse_config(GOOD.replace('source = "regex", ', ""))
    assert config.objectives[0].measure.source == "regex"
