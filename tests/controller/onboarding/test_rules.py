"""Seeds, limits, files, Dockerfiles and denied directories: the rules of an onboarding, each on its own."""

from __future__ import annotations

import hashlib

import pytest

from nightlab.controller.actions.model import Note
from nightlab.controller.config.schema import GiB, MiB
from nightlab.controller.errors import ConfigError
from nightlab.controller.model.score import Direction
from nightlab.controller.model.site import Place, Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.onboarding.dockerfile import find_dockerfiles, plain_dockerfile
from nightlab.controller.onboarding.files import output_globs, protected_files
from nightlab.controller.onboarding.findings import Wishes
from nightlab.controller.onboarding.limits import cpus_for, memory_for, timeout_for, toml_bytes, toml_seconds
from nightlab.controller.onboarding.result_files import file_metrics
from nightlab.controller.onboarding.scoring_rule import checked_pattern, printing
from nightlab.controller.onboarding.seed import seed_options
from nightlab.controller.onboarding.trying import denied_directory

SITE = Site("sha256:0", {}, (), (), "", 65532, 65532, "nightlab", "/root", "/app", "/app",
            (Place("/app", "workspace", 1), Place("/root", "home", 1)))  # fmt: skip


def tree_of(files):
    entries = [Entry(p, 0o100644, len(t), hashlib.sha256(t.encode()).hexdigest()) for p, t in files.items()]
    return Tree.of(entries)


# Seeds


def notes(*summaries):
    return [Note("note", text, "", "train.py:3") for text in summaries]


def test_an_argument_comes_first_where_it_reaches_python():
    found = seed_options(
        notes("seed: literal a.py:SEED = 3", "seed: argument --seed default 7"), ("python", "a.py"), ()
    )
    assert [(o.seed.kind, o.seed.name, o.seed.base) for o in found] == [
        ("argument", "--seed", 7),
        ("literal", "a.py:SEED", 3),
    ]


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        ('python a.py --seed "${SEED:-7}"', ["variable"]),
        ("python a.py", []),
        ('python a.py "$@"', ["argument"]),
        ("python a.py --seed $SEED", ["variable"]),
        ("SEED=3\npython a.py --seed $SEED", []),
    ],
)
def test_an_argument_needs_a_script_that_passes_it_on(script, kinds):
    found = seed_options(notes("seed: argument --seed default 0"), ("bash", "train.sh"), (script,))
    assert [option.seed.kind for option in found] == kinds


def test_a_seed_without_a_known_value_gets_one():
    option = seed_options(notes("seed: argument --seed default None"), ("python", "a.py"), ())[0]
    assert (option.seed.base, option.is_known) == (1337, False)


def test_a_shell_that_hands_its_arguments_on_takes_one():
    argv = ("sh", "-c", 'python a.py "$@" && cat x.log', "sh")
    assert seed_options(notes("seed: argument --seed default 0"), argv, ())[0].seed.name == "--seed"
    assert seed_options(notes("seed: argument --seed default 0"), ("sh", "-c", "cd a && python a.py"), ()) == []


# What the person says


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("loss: (", "expression"), ("loss: 3", "one group|0 groups"), (r"wobble (\S+)", "--direction")],
)
def test_a_wrong_metric_is_refused_before_anything_runs(pattern, said):
    with pytest.raises(ConfigError, match=said):
        checked_pattern(Wishes(metric=pattern))


def test_the_name_in_an_expression_tells_the_direction():
    assert checked_pattern(Wishes(metric=r"val_acc: (\S+)"))[1] is Direction.MAXIMIZE
    assert checked_pattern(Wishes(metric=r"wobble (\S+)", direction=Direction.MAXIMIZE))[1] is Direction.MAXIMIZE


# Limits


@pytest.mark.parametrize(("wall_s", "timeout"), [(0.5, "1m"), (20, "3m"), (100, "15m"), (1500, "2h"), (40000, "34h")])
def test_a_timeout_leaves_room_and_is_round(wall_s, timeout):
    assert toml_seconds(timeout_for(wall_s)) == timeout


def test_memory_is_twice_the_peak_and_fits_the_machine():
    assert toml_bytes(memory_for(20 * MiB, 8 * GiB)) == "512m"
    assert toml_bytes(memory_for(3 * GiB, 64 * GiB)) == "7g"
    assert memory_for(30 * GiB, 32 * GiB) == 32 * GiB


def test_cores_follow_use():
    assert (cpus_for(1.1, 1.0, 8), cpus_for(3.2, 1.0, 8), cpus_for(30.0, 1.0, 8), cpus_for(0, 0, 8)) == (1, 4, 8, 1)


# Files


def test_evaluation_data_and_tests_are_protected_and_what_starts_is_not():
    files = {"train.py": 1, "evaluate.py": 1, "model.py": 1, "tests/test_a.py": 1, "tests/b/test_c.py": 1,
             "src/dataset.py": 1, "big.json": 10**6, "config.json": 10, "data/labels.json": 5}  # fmt: skip
    assert set(protected_files(files, ("train.py",))) == {
        "evaluate.py", "tests/**", "src/dataset.py", "big.json", "data/labels.json"
    }  # fmt: skip
    assert protected_files({"evaluate.py": 1}, ("evaluate.py",)) == {}


def test_outputs_are_folders_where_the_repo_has_none():
    written = {"out/a/model.pt": 5, "out/b.txt": 1, "train.log": 1, "src/__pycache__/a.pyc": 1, "src/best.pt": 2}
    assert output_globs(written, ["src/a.py", "out/.gitkeep"]) == ("out/**", "src/best.pt", "train.log")


# Result files


def test_metrics_in_files_are_found_with_a_path_that_lasts():
    found = file_metrics(
        {
            "out/metrics.json": b'{"epoch": 3, "val": {"accuracy": 0.8, "time": 3}}',
            "history.csv": b"epoch,train_loss,val_loss\n1,0.9,0.8\n2,0.5,0.6\n",
            "runs/20240501-121212/metrics.json": b'{"val_accuracy": 0.9}',
            "log.jsonl": b'{"loss": 0.5}\n{"loss": 0.4}\n',
            "broken.json": b"{",
            "deep.json": b"[" * 100000,
        }
    )
    assert [(m.name, m.measure.path, m.value) for m in found] == [
        ("accuracy", "out/metrics.json", 0.8),
        ("val_accuracy", "runs/*/metrics.json", 0.9),
        ("val_loss", "history.csv", 0.6),
        ("loss", "log.jsonl", 0.4),
        ("train_loss", "history.csv", 0.5),
    ]


def test_a_log_file_is_printed_behind_a_command_that_still_takes_arguments():
    assert printing(("python", "a b.py"), "out/x.log") == ("sh", "-c", "python 'a b.py' \"$@\" && cat out/x.log", "sh")


# Dockerfiles


def test_the_plain_dockerfile_wins_and_the_others_are_named_with_reasons():
    files = {"Dockerfile": "FROM a", "docker/Dockerfile.serve": "FROM a", "Dockerfile.dockerignore": "x", "x.md": ""}
    found = find_dockerfiles(tree_of(files), files.__getitem__)
    assert [each.path for each in found] == ["Dockerfile", "docker/Dockerfile.serve"]
    assert "something else" in found[1].reason


def test_a_dockerfile_for_training_wins_over_others():
    files = {"docker/api.Dockerfile": "FROM a", "docker/train.Dockerfile": "FROM a"}
    assert find_dockerfiles(tree_of(files), files.__getitem__)[0].path == "docker/train.Dockerfile"


def test_the_context_is_the_folder_that_the_copies_fit():
    files = {"docker/Dockerfile": "FROM a\nCOPY run.sh /run.sh\n", "docker/run.sh": ""}
    assert find_dockerfiles(tree_of(files), files.__getitem__)[0].context == "docker"
    files = {"docker/Dockerfile": "FROM a\nCOPY src /src\n", "src/a.py": ""}
    assert find_dockerfiles(tree_of(files), files.__getitem__)[0].context == "."


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"requirements.txt": "numpy"}, "RUN pip install --no-cache-dir -r requirements.txt"),
        ({"pyproject.toml": '[project]\ndependencies = ["numpy>=1"]\n'},
         "RUN pip install --no-cache-dir setuptools 'numpy>=1'"),
        ({"environment.yml": "dependencies:\n  - python=3.10\n  - pytorch\n  - numpy=1.2\n"},
         "RUN pip install --no-cache-dir numpy torch"),
        ({"train.py": "import torch\nimport os\nfrom sklearn import svm\n"},
         "RUN pip install --no-cache-dir scikit-learn torch"),
        ({"train.py": "import os\n"}, "COPY . ."),
    ],
)  # fmt: skip
def test_a_plain_dockerfile_installs_what_the_repo_names(files, line):
    written = plain_dockerfile(tree_of(files), files.__getitem__)
    assert line in written.text.splitlines()
    assert written.assumptions


# Where a run may write


@pytest.mark.parametrize(
    ("line", "directory"),
    [
        ("OSError: [Errno 30] Read-only file system: '/outputs'", "/outputs"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/outputs/a.txt'", None),
        ("PermissionError: [Errno 13] Permission denied: '/var/results/log.txt'", "/var/results"),
        ("mkdir: cannot create directory '/outputs': Read-only file system", "/outputs"),
        ("PermissionError: [Errno 13] Permission denied: '/app/config.yaml'", None),
        ("OSError: [Errno 30] Read-only file system: '/usr/lib/x'", None),
        ("OSError: [Errno 30] Read-only file system: '/x.txt'", None),
    ],
)
def test_a_denied_directory_is_named_unless_it_must_stay_closed(line, directory):
    assert denied_directory(("epoch 1", line), SITE) == directory
