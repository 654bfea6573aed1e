"""Which files of a tree a training command starts."""

from __future__ import annotations

import pytest

from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.study.entry_points import entry_points

FILES = {
    "train.py": b"",
    "src/pkg/__main__.py": b"",
    "src/pkg/run.py": b"",
    "pkg2/tool.py": b"",
    "train.sh": b"set -e\ncd /app && exec python3 src/pkg/run.py \\\n  --x 1 # python train.py\n",
    "outer.sh": b"bash ./train.sh 'unclosed\n",
    "loop.sh": b"bash loop.sh\n",
}
TREE = Tree.of(Entry(path, 0o100644, 1, "00" * 32) for path in FILES)


@pytest.mark.parametrize(
    ("argv", "workdir", "expected"),
    [
        (["python", "train.py", "--lr", "1"], "/app", ("train.py",)),
        (["python", "/app/train.py"], "/work", ("train.py",)),
        (["python", "../train.py"], "/app/src", ("train.py",)),
        (["python", "-m", "pkg"], "/app", ("src/pkg/__main__.py",)),
        (["python", "-m", "pkg2.tool"], "/app", ("pkg2/tool.py",)),
        (["torchrun", "--nproc", "2", "train.py"], "/app", ("train.py",)),
        (["bash", "train.sh"], "/app", ("train.sh", "src/pkg/run.py")),
        (["bash", "outer.sh"], "/app", ("outer.sh", "train.sh", "src/pkg/run.py")),
        (["bash", "loop.sh"], "/app", ("loop.sh",)),
        (["my-console-script"], "/app", ()),
    ],
)
def test_entry_points(argv: list[str], workdir: str, expected: tuple[str, ...]) -> None:
    assert entry_points(argv, TREE, workspace="/app", workdir=workdir, read=FILES.__getitem__) == expected
