"""A seed holds what the repo does not track, and appears in a workspace without hiding anything of it."""

import os
from pathlib import Path

import pytest

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused
from nightlab.sandbox.seeds import Made, link_seed, make_seed


@pytest.fixture
def image(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "pkg" / "_build").mkdir(parents=True)
    (root / "data" / "shards").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref")
    (root / "train.py").write_text("tracked")
    (root / "train.log").write_text("old")
    (root / "pkg" / "_build" / "fast.so").write_bytes(b"elf")
    (root / "pkg" / "_build" / "tool").write_bytes(b"#!")
    (root / "pkg" / "_build" / "tool").chmod(0o700)
    (root / "data" / "train.bin").write_bytes(bytes(5000))
    for n in range(20):
        (root / "data" / "shards" / str(n)).write_bytes(b"x")
    (root / "latest").symlink_to("data/train.bin")
    os.mkfifo(root / "fifo")
    (tmp_path / "seed").mkdir()
    (tmp_path / "ws").mkdir()
    return tmp_path


def seed_of(image: Path, **limits: int) -> pb.MakeSeedResult:
    limits = {"max_bytes": 100_000, "max_entries": 1000} | limits
    request = pb.MakeSeed(source=str(image / "app"), seed=str(image / "seed"), tracked=["train.py"], **limits)
    return make_seed(request)


def test_seed_has_what_is_untracked_and_readable_to_all(image):
    result = seed_of(image)
    assert (result.files, result.bytes) == (25, 3 + 3 + 2 + 5000 + 20 + len("data/train.bin"))
    assert not (image / "seed" / "train.py").exists()
    assert not (image / "seed" / ".git").exists()
    assert (image / "seed" / "pkg" / "_build" / "tool").stat().st_mode & 0o777 == 0o755
    assert (image / "seed" / "data").stat().st_mode & 0o777 == 0o755
    assert (image / "seed" / "latest").readlink() == Path("data/train.bin")


@pytest.mark.parametrize("limits", [{"max_bytes": 4000}, {"max_entries": 10}])
def test_seed_that_is_too_large_is_refused(image, limits):
    with pytest.raises(Refused, match="does not track"):
        seed_of(image, **limits)


def test_seed_inside_its_source_is_refused(image):
    (image / "app" / "seed").mkdir()
    with pytest.raises(Refused, match="inside"):
        make_seed(pb.MakeSeed(source=str(image / "app"), seed=str(image / "app" / "seed"), max_entries=9))


def linked(image: Path, max_entries: int = 100) -> pb.LinkSeedResult:
    request = pb.LinkSeed(
        seed=str(image / "seed"), root=str(image / "ws"), copy_limit_bytes=1000, max_entries=max_entries
    )
    return link_seed(request, Made())


def test_small_files_are_copies_that_a_run_may_write_and_large_ones_links(image):
    seed_of(image)
    result = linked(image)
    assert (result.copied, result.linked) == (24, 1)
    assert (image / "ws" / "data" / "train.bin").readlink() == image / "seed" / "data" / "train.bin"
    assert (image / "ws" / "train.log").stat().st_mode & 0o777 == 0o666
    assert (image / "ws" / "data" / "shards").stat().st_mode & 0o7777 == 0o1777
    assert (image / "ws" / "latest").resolve().stat().st_size == 5000


def test_directory_that_would_exceed_the_count_is_linked_as_a_whole(image):
    seed_of(image)
    linked(image, max_entries=15)
    assert (image / "ws" / "data").is_symlink()
    assert not (image / "ws" / "pkg").is_symlink()


def test_what_exists_is_left_alone(image):
    seed_of(image)
    (image / "ws" / "pkg").mkdir()
    (image / "ws" / "train.log").write_text("sealed")
    (image / "ws" / "data").symlink_to("/nowhere")
    linked(image)
    assert (image / "ws" / "train.log").read_text() == "sealed"
    assert (image / "ws" / "data").readlink() == Path("/nowhere")
    assert (image / "ws" / "pkg" / "_build" / "fast.so").read_bytes() == b"elf"
