"""The training command is found where repos have it, and never where they have something else."""

from __future__ import annotations

import hashlib

import pytest

from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.onboarding.command import find_commands, given_command, in_tree
from nightlab.controller.onboarding.programs import hands_over, passes_arguments, plain, without_init

LOOP = """\
import torch
optimizer = torch.optim.AdamW(p, lr=1e-3)
for epoch in range(3):
    loss.backward()
    optimizer.step()
"""
GUARDED = f"def main():\n    pass\n{LOOP}\nif __name__ == '__main__':\n    main()\n"


def facts(*, entrypoint=(), command=(), workdir="/app"):
    return ImageFacts("sha256:0", {}, tuple(entrypoint), tuple(command), "", workdir, (), (), "amd64")


def found(files=None, **image):
    files = files or {}
    entries = [Entry(p, 0o100644, len(t), hashlib.sha256(t.encode()).hexdigest()) for p, t in files.items()]
    return find_commands(facts(**image), Tree.of(entries), lambda path: files[path])


@pytest.mark.parametrize(
    ("image", "command", "entrypoint"),
    [
        ({"command": ["python3", "main.py"]}, "python3 main.py", "none"),
        ({"command": ["/bin/sh", "-c", "python3 main.py --epochs 5"]}, "python3 main.py --epochs 5", "none"),
        ({"command": ["/bin/sh", "-c", "exec python train.py"]}, "python train.py", "none"),
        ({"command": ["/bin/sh", "-c", "cd src && python train.py"]}, "/bin/sh -c 'cd src && python train.py'", "none"),
        ({"entrypoint": ["python"], "command": ["train.py", "--lr", "1"]}, "python train.py --lr 1", "none"),
        ({"entrypoint": ["python", "-m", "pkg.train"]}, "python -m pkg.train", "none"),
        ({"entrypoint": ["/bin/sh", "-c", "python train.py"], "command": ["x"]}, "python train.py", "none"),
        ({"entrypoint": ["tini", "--"], "command": ["python", "train.py"]}, "python train.py", "none"),
        ({"entrypoint": ["conda", "run", "-n", "e"], "command": ["python", "train.py"]},
         "conda run -n e python train.py", "none"),
        ({"command": ["uv", "run", "train.py"]}, "uv run train.py", "none"),
        ({"command": ["accelerate", "launch", "train.py", "seed=1"]}, "accelerate launch train.py seed=1", "none"),
        ({"entrypoint": ["/opt/nvidia/nvidia_entrypoint.sh"], "command": ["python", "t.py"]}, "python t.py", "image"),
    ],
)  # fmt: skip
def test_the_image_says_what_trains(image, command, entrypoint):
    best = found(**image)[0]
    assert (best.text, best.entrypoint) == (command, entrypoint)


def test_a_wrapper_of_the_repo_goes_before_the_command():
    script = 'set -e\nexport DATA=/data\nexec "$@"\n'
    best = found({"docker/entry.sh": script}, entrypoint=["/entry.sh"], command=["python", "fit.py"])[0]
    assert (best.argv, best.entrypoint) == (("python", "fit.py"), "image")


def test_an_entrypoint_script_that_trains_is_the_command():
    best = found({"start.sh": "python train.py\n"}, entrypoint=["bash", "start.sh"])[0]
    assert (best.argv, best.entrypoint) == (("bash", "start.sh"), "none")


@pytest.mark.parametrize(
    "command",
    [["bash"], ["python3"], ["/bin/bash"], ["jupyter", "lab"], ["sleep", "infinity"], ["uvicorn", "app:app"], []],
)
def test_an_image_that_only_waits_gives_way_to_the_repo(command):
    assert found({"train.py": GUARDED}, command=command)[0].text == "python3 train.py"


def test_an_interpreter_as_entrypoint_is_put_before_the_script():
    assert found({"train.py": GUARDED}, entrypoint=["python"])[0].argv == ("python", "train.py")
    assert (
        found({"train.py": GUARDED}, entrypoint=["conda", "run", "-n", "e"])[0].text
        == "conda run -n e python3 train.py"
    )


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"train.sh": "python x.py\n", "model.py": LOOP}, "bash train.sh"),
        ({"README.md": "Run:\n```bash\n$ python tools/run.py \\\n    --config a.yaml\n```\n", "tools/run.py": "x"},
         "python tools/run.py --config a.yaml"),
        ({"README.md": "```\npython eval.py\npython fit.py\n```\n", "eval.py": "", "fit.py": ""}, "python fit.py"),
        ({"README.md": "```\npython train.py --data /path/to/data\n```\n", "train.py": GUARDED}, "python3 train.py"),
        ({"README.md": "```\nCUDA_VISIBLE_DEVICES=0 python train.py\n```\n", "train.py": "x"}, "python train.py"),
        ({"Makefile": "train: data\n\tpython3 -m pkg.fit --epochs 3\n\ntest:\n\tpytest\n", "pkg/fit.py": "x"},
         "python3 -m pkg.fit --epochs 3"),
        ({"Makefile": "train:\n\tpython a.py\n\tpython b.py\n"}, "make train"),
        ({"pyproject.toml": '[project]\nscripts = { mytrain = "pkg.train:main" }\n'}, "mytrain"),
        ({"src/pkg/__init__.py": "", "src/pkg/train.py": "from .model import M\n" + GUARDED}, "python3 -m pkg.train"),
        ({"main.py": GUARDED, "evaluate.py": GUARDED, "tests/test_train.py": GUARDED}, "python3 main.py"),
        ({"a.py": "print(1)", "scripts/pretrain_gpt.py": GUARDED}, "python3 scripts/pretrain_gpt.py"),
    ],
)  # fmt: skip
def test_the_repo_says_what_trains(files, command):
    assert found(files, command=["bash"])[0].text == command


def test_nothing_is_made_up():
    assert found({"lib.py": "def f(): ...\n", "notes.ipynb": "{}", "test_train.py": GUARDED}) == []


def test_the_persons_command_wins():
    candidate = given_command("python a.py --x 'b c'", facts(), Tree.of(()), lambda _: "")
    assert candidate.argv == ("python", "a.py", "--x", "b c")


def test_shell_scripts_are_read_for_their_arguments():
    assert hands_over('#!/bin/sh\nexec "$@"\n')
    assert hands_over('exec gosu app "$@"')
    assert hands_over('"$@"')
    assert not hands_over('python train.py\n# exec "$@"\n')
    assert passes_arguments('python train.py "$@"')
    assert passes_arguments("python train.py --seed $1")
    assert not passes_arguments('python train.py --seed "${SEED:-7}"')


def test_init_programs_and_shell_forms_are_seen_through():
    assert without_init(("/usr/bin/tini", "-g", "--", "python", "x.py")) == ("python", "x.py")
    assert plain(("sh", "-c", "A=1 python x.py")) == ("sh", "-c", "A=1 python x.py")


@pytest.mark.parametrize(
    ("argv", "own"),
    [
        (("python", "train.py", "--x"), ("python", "src/train.py", "--x")),
        (("python", "/train.py"), ("python", "src/train.py")),
        (("python", "src/train.py"), ("python", "src/train.py")),
        (("python", "/app/src/train.py"), ("python", "/app/src/train.py")),
        (("python", "other.py"), ("python", "other.py")),
        (("sh", "-c", "python train.py && cat a.sh"), ("sh", "-c", "python train.py && cat a.sh")),
    ],
)
def test_a_copy_of_a_script_gives_way_to_the_repos_own(argv, own):
    tree = Tree.of([Entry("src/train.py", 0o100644, 1, "0" * 64)])
    assert in_tree(argv, tree, workspace="/app", workdir="/app") == own
