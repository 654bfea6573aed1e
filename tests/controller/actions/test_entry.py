"""A training command names the files it starts."""

import pytest

from nightlab.controller.actions.entry import entry_points

PATHS = {"train.py", "src/app/main.py", "app/run.py", "conf/a.yaml", "train.sh", "sub/train.py", "pkg/__main__.py"}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python train.py --lr 0.1", ("train.py",)),
        ("python -u ./train.py --config=conf/a.yaml", ("train.py", "conf/a.yaml")),
        ("torchrun --nproc_per_node 2 -m app.main", ("src/app/main.py",)),
        ("python -m pkg", ("pkg/__main__.py",)),
        ("bash train.sh", ("train.sh",)),
        (["python", "/opt/project/app/run.py"], ("app/run.py",)),
        ('sh -c "cd sub && python train.py; true"', ("train.py",)),
        ("my-installed-command", ()),
        ("python 'broken", ()),
    ],
)
def test_files_are_found(command: str, expected: tuple[str, ...]) -> None:
    assert entry_points(command, PATHS) == expected


def test_working_directory_comes_first() -> None:
    assert entry_points("python train.py", PATHS, workdir="sub") == ("sub/train.py",)


@pytest.mark.parametrize(
    ("command", "links", "expected"),
    [
        ("train.py --config conf/default.yaml", {"conf/default.yaml": "a.yaml"}, ("train.py", "conf/a.yaml")),
        ("train.py --config now/a.yaml", {"now": "conf"}, ("train.py", "conf/a.yaml")),
        ("sub/up.yaml", {"sub/up.yaml": "../two.yaml", "two.yaml": "conf/a.yaml"}, ("conf/a.yaml",)),
        ("loop.yaml", {"loop.yaml": "pool.yaml", "pool.yaml": "loop.yaml"}, ()),
        ("out.yaml", {"out.yaml": "../../etc/a.yaml"}, ()),
        ("root.yaml", {"root.yaml": "/conf/a.yaml"}, ()),
    ],
)
def test_a_link_stands_for_the_file_it_points_to(
    command: str, links: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert entry_points(command, PATHS | links.keys(), links=links) == expected
