"""A seal is checked in one walk, reads no large file twice, and knows what was changed and put back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox import beside as beside_module
from nightlab.sandbox import scan as scan_module
from nightlab.sandbox import seal as seal_module
from nightlab.sandbox.clearing import remove_below
from nightlab.sandbox.identity import can_switch, files_as
from nightlab.sandbox.paths import open_root
from nightlab.sandbox.scan import scan_tree
from nightlab.sandbox.seal import Seal
from nightlab.sandbox.seeds import Made, link_seed
from nightlab.sandbox.transfers import BlobPart
from nightlab.sandbox.trees import Tree

FILES = {"train.py": b"A = 0.5\n", "pkg/lib.py": b"B = 1\n", "data/big.bin": bytes(3_000_000), "run.sh": b"exit\n"}
as_root = pytest.mark.skipif(not can_switch(), reason="needs root")


def put(root: Path, files: dict[str, bytes], earlier: set[str] | None = None, **fields: Any) -> Tree:
    entries = [
        pb.TreeEntry(
            path=path,
            mode=0o100755 if path.endswith(".sh") else 0o100644,
            size=len(content),
            sha256=hashlib.sha256(content).digest(),
        )
        for path, content in sorted(files.items())
    ]
    tree = Tree(pb.PutTree(root=str(root), entries=entries, owner=pb.TREE_OWNER_SEALED, **fields))
    needed = tree.prepare(earlier or set())
    tree.write(needed, [BlobPart(index, files[entry.path], True) for index, entry in enumerate(needed)])
    tree.settle()
    tree.read_back()
    return tree


@pytest.fixture
def sealed(tmp_path: Path) -> tuple[Path, Seal]:
    root = tmp_path / "ws"
    root.mkdir()
    return root, Seal(str(root), put(root, FILES))


def check(seal: Seal, made: Made | None = None, **fields: Any) -> pb.CheckSealResult:
    known = {"suffixes": [".py", ".pyc"], "reread_bytes": 1 << 20, "max_added": 1000}
    return seal.check(pb.CheckSeal(root=seal._root, **{**known, **fields}), made or Made())


def test_an_untouched_seal_is_whole_and_has_the_same_stamp_twice(sealed):
    first = check(sealed[1])
    assert [entry.path for entry in first.sealed] == sorted(FILES)
    assert [entry.sha256 for entry in first.sealed] == [hashlib.sha256(FILES[path]).digest() for path in sorted(FILES)]
    second = check(sealed[1], since=first.stamp)
    assert (second.stamp, second.since_known, list(second.touched)) == (first.stamp, True, [])
    assert list(first.odd) == list(first.added) == []


def test_a_large_file_is_read_once_and_again_when_its_stamp_changed(sealed, monkeypatch):
    root, seal = sealed
    read: list[str] = []
    plain = seal_module.read_entry

    def counted(parent: int, name: str, path: str) -> pb.TreeEntry:
        read.append(path)
        return plain(parent, name, path)

    monkeypatch.setattr(seal_module, "read_entry", counted)
    check(seal)
    assert sorted(read) == ["pkg/lib.py", "run.sh", "train.py"]
    os.utime(root / "data/big.bin")
    check(seal)
    assert read.count("data/big.bin") == 1
    check(seal)
    assert read.count("data/big.bin") == 1
    check(seal, reread_bytes=0)
    assert read.count("data/big.bin") == 2


def replaced(root: Path) -> None:
    (root / "pkg/lib.py").rename(root / "kept")
    (root / "pkg/lib.py").write_bytes(b"x")
    (root / "kept").rename(root / "pkg/lib.py")


def rewritten(root: Path) -> None:
    with (root / "pkg/lib.py").open("r+b") as file:
        file.write(FILES["pkg/lib.py"])


def moded(root: Path) -> None:
    (root / "pkg/lib.py").chmod(0o666)
    (root / "pkg/lib.py").chmod(0o444)


@pytest.mark.parametrize("change", [replaced, rewritten, moded])
def test_what_was_changed_and_put_back_is_known_by_its_stamp(sealed, change: Callable[[Path], None]):
    root, seal = sealed
    before = check(seal)
    change(root)
    after = check(seal, since=before.stamp)
    assert list(after.sealed) == list(before.sealed)
    assert list(after.touched) == ["pkg/lib.py"]
    assert after.stamp != before.stamp


def test_a_check_that_was_never_made_is_not_compared_with(sealed):
    assert not check(sealed[1], since=b"x" * 32).since_known


def test_directories_with_python_files_are_closed_to_bytecode_and_what_opens_them_is_odd(sealed):
    root, seal = sealed
    for directory in (root, root / "pkg"):
        assert ((directory / "__pycache__").stat().st_mode & 0o7777) == 0o555
    assert not (root / "data/__pycache__").exists()
    (root / "pkg/__pycache__").chmod(0o755)
    (root / "__pycache__").chmod(0o755)
    (root / "__pycache__/train.cpython-311.pyc").touch()
    (root / "data").chmod(0o777)
    found = check(seal)
    assert sorted(found.odd) == ["__pycache__", "data", "pkg/__pycache__"]
    assert [entry.path for entry in found.added] == ["__pycache__/train.cpython-311.pyc"]
    again = Seal(str(root), put(root, FILES, set(FILES), clear=True))
    assert list(check(again).odd) == list(check(again).added) == []


def test_added_files_are_listed_without_seeds_and_in_full_where_asked(sealed):
    root, seal = sealed
    (root.parent / "seed").mkdir()
    (root.parent / "seed/seeded.py").touch()
    made = Made()
    link_seed(pb.LinkSeed(seed=str(root.parent / "seed"), root=str(root), copy_limit_bytes=10, max_entries=10), made)
    (root / "out").mkdir()
    (root / "out/new.py").touch()
    (root / "out/log.txt").touch()
    os.close(os.open(os.fsencode(root) + b"/x\xff.py", os.O_CREAT))
    (root / "json").symlink_to("out")
    (root / "run-1").symlink_to("out")
    assert [e.path for e in check(seal, made).added] == ["json", "out/new.py"]
    assert [e.path for e in check(seal, made, all_added=True).added] == [
        "json",
        "out",
        "out/log.txt",
        "out/new.py",
        "run-1",
    ]
    assert len(check(seal, made, all_added=True).odd) == 1
    assert check(seal, made, max_added=1).is_partial


def test_a_seed_brings_no_bytecode_beside_sealed_sources(sealed):
    root, _ = sealed
    (root.parent / "seed/pkg/__pycache__").mkdir(parents=True)
    (root.parent / "seed/pkg/__pycache__/lib.cpython-311.pyc").touch()
    (root.parent / "seed/pkg/fast.so").touch()
    request = pb.LinkSeed(seed=str(root.parent / "seed"), root=str(root), copy_limit_bytes=10, max_entries=10)
    link_seed(request, Made())
    assert sorted(path.name for path in (root / "pkg").rglob("*")) == ["__pycache__", "fast.so", "lib.py"]


def linked(root: Path, files: dict[str, str], made: Made) -> None:
    for path, text in files.items():
        (root.parent / "seed" / path).parent.mkdir(parents=True, exist_ok=True)
        (root.parent / "seed" / path).write_text(text)
    link_seed(pb.LinkSeed(seed=str(root.parent / "seed"), root=str(root), copy_limit_bytes=10, max_entries=99), made)


def flip_seed(root: Path) -> None:
    (root / "data/table.csv").write_text("0.3")


def restore_seed(root: Path) -> None:
    flip_seed(root)
    (root / "data/table.csv").write_text("0.5")


def swap_seed(root: Path) -> None:
    (root / "data/table.csv").unlink()
    (root / "data/table.csv").symlink_to("/etc/hostname")


def lose_seed(root: Path) -> None:
    (root / "data/table.csv").unlink()


def redirect_seed(root: Path) -> None:
    (root / "data/table.csv").rename(root / "data/kept")
    (root / "data/kept").rename(root / "data/table.csv")


@pytest.mark.parametrize("change", [flip_seed, restore_seed, swap_seed, lose_seed, redirect_seed])
def test_what_the_image_brought_is_as_it_was_linked_until_the_launch(sealed, change: Callable[[Path], None]):
    root, seal = sealed
    made = Made()
    linked(root, {"data/table.csv": "0.5", "other/deep/x.txt": "x" * 99, "none/.keep": ""}, made)
    found = check(seal, made, all_added=True)
    assert list(found.odd) == list(found.added) == []
    change(root)
    assert list(check(seal, made, all_added=True).odd) == ["data/table.csv"]
    assert list(check(seal, made).odd) == []  # a run may change it
    (root / "data/table.csv").unlink(missing_ok=True)
    linked(root, {}, made)
    assert list(check(seal, made, all_added=True).odd) == []


def test_chains_of_directories_cost_no_walk_its_time_and_hide_nothing_near_the_root(sealed, monkeypatch):
    root, seal = sealed
    for module in (beside_module, scan_module):
        monkeypatch.setattr(module, "MAX_OPENED", 5000)
    (root / "pkg/json.py").touch()
    for number in range(3):
        at = os.open(root, os.O_DIRECTORY)
        for name in (f"chain{number}", *["d"] * 120):
            os.mkdir(name, dir_fd=at)
            deeper = os.open(name, os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = deeper
        os.close(at)
    found = check(seal)
    assert (found.is_partial, [entry.path for entry in found.added]) == (True, ["pkg/json.py"])
    assert scan_tree(pb.ScanTree(root=str(root), allow_partial=True)).is_partial


def test_a_directory_that_nobody_put_there_is_found_before_a_launch(sealed):
    root, seal = sealed
    made = Made()
    linked(root, {"brought/empty/file": "x"}, made)
    (root / "wandb").mkdir()
    (root / "pkg/apex/deep").mkdir(parents=True)
    assert [entry.path for entry in check(seal, made, all_added=True).added] == ["pkg/apex", "wandb"]
    assert list(check(seal, made).added) == []


def test_what_an_image_compiled_never_hides_a_source_of_the_tree(sealed):
    root, seal = sealed
    made = Made()
    compiled = ["pkg/lib.cpython-311-x86_64-linux-gnu.so", "pkg/lib.so", "train/__init__.py", "own.abi3.so", "own.py"]
    linked(root, dict.fromkeys([*compiled, "train-1.so", "pkg/libs.so", "run/x.py"], "x"), made)
    brought = {path.removeprefix(f"{root}/") for path in made.files}
    assert brought == {"own.abi3.so", "own.py", "train-1.so", "pkg/libs.so", "run/x.py"}
    linked(root, {}, made)
    assert len(made.files) == len(brought)
    assert list(check(seal, made, all_added=True).odd) == []


def test_a_cleared_put_replaces_whatever_is_in_the_way(sealed):
    root, _ = sealed
    (root / "train.py").unlink()
    (root / "train.py/deep").mkdir(parents=True)
    (root / "pkg").rename(root / "other")
    (root / "pkg").symlink_to("other")
    (root / "data/big.bin").unlink()
    (root / "data").rename(root / "gone")
    (root / "data").write_text("file")
    (root / "extra").mkdir()
    (root / "extra/file").touch()
    seal = Seal(str(root), put(root, FILES, set(FILES), clear=True, removed=["extra", "other", "gone", "never"]))
    found = check(seal, all_added=True)
    assert [entry.path for entry in found.sealed] == sorted(FILES)
    assert list(found.added) == list(found.odd) == []
    assert sorted(path.name for path in root.iterdir()) == ["__pycache__", "data", "pkg", "run.sh", "train.py"]


def test_a_tree_that_lost_its_python_files_leaves_no_directory_behind(sealed):
    root, _ = sealed
    put(root, {"train.py": b"A = 1\n"}, set(FILES))
    assert sorted(path.name for path in root.iterdir()) == ["__pycache__", "train.py"]


@as_root
def test_what_others_own_is_removed_with_their_rights_and_the_outer_rights_come_back(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").touch()
    os.chown(tmp_path / "a/b", 65531, 65531)
    (tmp_path / "a/b").chmod(0)
    with open_root(str(tmp_path)) as root:
        remove_below(root, "a")
        assert not (tmp_path / "a").exists()
        with files_as(65531, 65531):
            with files_as(0, 0):
                os.mkdir("root", dir_fd=root)
            with pytest.raises(PermissionError):
                os.mkdir("editor", dir_fd=root)
    assert (tmp_path / "root").stat().st_uid == 0
