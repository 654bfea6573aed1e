"""What hides a module is told from a copy of the code, by where it lies."""

from __future__ import annotations

import pytest

from nightlab.controller.gate.roots import import_roots
from nightlab.controller.gate.shadow import Imports, module_of
from nightlab.controller.gate.verify import Deviation, deviation
from nightlab.controller.model.tree import Entry, Tree

KNOWN = (
    "src/train.py",
    "src/utils.py",
    "lib/utils.py",
    "lib/core/__init__.py",
    "lib/core/net.py",
    "tools/prepare.py",
    "configs/a.yaml",
    ".venv/lib/python3.11/site-packages/dep/__init__.py",
)
INSTALLED = frozenset({"json", "torch", "logging", "code", "google.protobuf", "dep"})


def roots(*argv: str, **more: object) -> tuple[str, ...]:
    known: dict[str, object] = {"env": {}, "cwd": "/app", "workspace": "/app", "search_path": (), "known": KNOWN}
    return import_roots(argv, **{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (roots("python3", "src/train.py"), ("src", ".venv/lib/python3.11/site-packages", "")),
        (roots("python3", "/app/src/train.py", cwd="/app/lib")[:1], ("src",)),
        (roots("python3", "-m", "core.net", cwd="/app/lib")[:1], ("lib",)),
        (roots("sh", "-c", "cd x; torchrun --n 2 src/train.py")[:1], ("src",)),
        (roots("train", env={"PYTHONPATH": "lib:/opt/x:/app/tools"})[:2], ("lib", "tools")),
        (roots("train", search_path=("/usr/lib/python3", "/app/src"))[:1], ("src",)),
        (roots("python3", "train.py", cwd="/elsewhere")[-1:], ("",)),
    ],
)
def test_roots_are_where_python_looks_first(found, expected):
    assert found == expected


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a.py", "a"),
        ("a/b.cpython-311-x86_64-linux-gnu.so", "a.b"),
        ("a/__init__.pyc", "a"),
        ("__init__.py", None),
        ("a/b.c.py", None),
        ("a-b/c.py", None),
        ("__pycache__/a.cpython-311.pyc", None),
        ("1.py", None),
        ("link", "link"),
        ("a.txt", None),
    ],
)
def test_module_names_are_pythons_own(path, module):
    assert module_of(path, "") == module
    assert module_of(f"root/{path}", "root") == module
    assert module_of(path, "root") is None


def hides(path: str, *, is_text: bool = True) -> str | None:
    order = roots("python3", "src/train.py", env={"PYTHONPATH": "lib"})
    shadow = Imports(KNOWN, order, INSTALLED).shadow(path, is_text=is_text)
    return shadow and shadow.hides


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/json.py", "`json` of the image"),
        ("json.py", "`json` of the image"),
        ("lib/torch/__init__.py", "`torch` of the image"),
        ("torch", "`torch` of the image"),
        ("tools/logging.py", "`logging` of the image"),
        ("lib/core/json.py", "`json` of the image"),
        ("google/protobuf/__init__.py", "`google.protobuf` of the image"),
        ("src/core/__init__.py", "`core` of the sealed tree"),
        ("src/utils.so", "`utils` of the sealed tree"),
        ("lib/core.py", "`core` of the sealed tree"),
        ("lib/core/net/__init__.py", "`core.net` of the sealed tree"),
        ("tools/prepare.abi3.so", "`tools.prepare` of the sealed tree"),
        ("src/sitecustomize.py", "`sitecustomize`, which Python runs by itself"),
        ("conftest.py", "a conftest.py of the sealed tree, which pytest runs by itself"),
        ("lib/core/conftest.py", "a conftest.py of the sealed tree, which pytest runs by itself"),
        (".venv/lib/python3.11/site-packages/x.pth", "a path file, which Python runs by itself"),
        (".venv/lib/python3.11/site-packages/dep.py", "`dep` of the image"),
        ("x.pth", "a path file, which Python runs by itself"),
    ],
)
def test_what_python_would_import_instead_is_named(path, expected):
    assert hides(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "runs/1/train.py",
        "runs/1/src/utils.py",
        "runs/1/json.py",
        "outputs/lib/core/__init__.py",
        "utils.py",
        "train.py",
        "config.py",
        "wandb/offline-run-1/files/train.py",
        "wandb/latest",
        "lib/core/generated.py",
        "configs/json.py",
        "code/train.py",
        "google/other/__init__.py",
        "runs/conftest.py",
        "checkpoints/model.pth",
        "src/notes.json",
    ],
)
def test_copies_dumps_and_checkpoints_hide_nothing(path):
    assert hides(path) is None


def test_a_checkpoint_that_is_called_like_a_path_file_hides_nothing():
    assert hides("model.pth", is_text=False) is None


def test_a_deviation_names_what_changed_what_is_exposed_and_what_was_added():
    tree = Tree.of([Entry(path, 0o100644, 1, f"{index}" * 64) for index, path in enumerate("abc")])
    inside = [tree.entries[0], Entry("b", 0o100644, 1, "f" * 64), Entry("planted", 0o100644, 1, "e" * 64)]
    found = deviation(tree, ["seeded"], inside, [Entry("x", 0o100644, 1, "")], ["a", "b", "seeded"])
    assert found == Deviation(changed=("b", "c"), exposed=("a",), added=("planted", "x"), reseeded=("seeded",))
    assert found.paths == ("b", "c", "a", "seeded", "planted", "x")
    assert found.removable == ("seeded", "planted", "x")
    assert deviation(tree, [], tree.entries, [], [], is_partial=True).paths == (".",)
    assert not deviation(tree, [], tree.entries, [], [])
