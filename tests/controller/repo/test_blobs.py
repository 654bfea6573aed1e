"""Contents are kept whole, under the hash of their bytes."""

import hashlib
import io
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightlab.controller.errors import RepoError, StoreError
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.repo import BlobStore
from nightlab.controller.repo.history import History


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 4 * 2**20 - 1, 4 * 2**20, 4 * 2**20 + 1, 9 * 2**20])
def test_content_comes_back_whatever_its_size(blobs: BlobStore, tmp_path: Path, size: int):
    content = os.urandom(size)
    source = tmp_path / "source"
    source.write_bytes(content)
    assert blobs.put_file(source) == (sha(content), size)
    assert blobs.read(sha(content), size) == content
    assert blobs.size(sha(content)) == size
    with blobs.open(sha(content)) as file:
        assert file.read() == content


def test_files_are_private_and_nothing_is_left_of_a_transfer(blobs: BlobStore, tmp_path: Path):
    name = blobs.put(b"x")
    blobs.put_stream(io.BytesIO(b"y" * 5_000_000), max_bytes=6_000_000)
    root = tmp_path / "state/blobs"
    assert (root / name[:2] / name[2:]).stat().st_mode & 0o777 == 0o600
    assert list((root / "incoming").iterdir()) == []


@pytest.mark.parametrize(("size", "limit"), [(11, 10), (5_000_000, 4_999_999), (5_000_000, 10)])
def test_stream_over_its_limit_is_refused_and_leaves_nothing(blobs: BlobStore, tmp_path: Path, size: int, limit: int):
    with pytest.raises(RepoError, match=f"{limit} bytes"):
        blobs.put_stream(io.BytesIO(b"z" * size), max_bytes=limit)
    assert [path for path in (tmp_path / "state/blobs").rglob("*") if path.is_file()] == []


def test_stream_that_yields_in_drops_is_read_to_its_end(blobs: BlobStore):
    class Drops(io.RawIOBase):
        def __init__(self) -> None:
            self.left = list(b"drops")

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            if not self.left:
                return 0
            buffer[0] = self.left.pop(0)
            return 1

    assert blobs.put_stream(Drops(), max_bytes=100) == (sha(b"drops"), 5)


@pytest.mark.parametrize("name", ["0" * 64, "", "../../etc/passwd", "A" * 64, "0" * 63 + "\n"])
def test_missing_or_malformed_hash_is_a_key_error(blobs: BlobStore, name: str):
    assert not blobs.has(name)
    for call in (blobs.open, blobs.size, lambda sha256: blobs.read(sha256, 10)):
        with pytest.raises(KeyError):
            call(name)


def test_damage_is_noticed_on_read_and_a_torn_file_is_replaced(blobs: BlobStore, tmp_path: Path):
    name = blobs.put(b"good")
    path = tmp_path / "state/blobs" / name[:2] / name[2:]
    path.write_bytes(b"evil")
    with pytest.raises(StoreError, match="damaged"):
        blobs.read(name, 10)
    path.write_bytes(b"")
    blobs.put(b"good")
    assert blobs.read(name, 10) == b"good"


def test_links_and_pipes_are_not_read(blobs: BlobStore, tmp_path: Path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing"):
        with pytest.raises(RepoError):
            blobs.put_file(tmp_path / name)


def test_many_writers_of_one_content_agree(blobs: BlobStore):
    content, names, start = os.urandom(300_000), [], threading.Barrier(8)

    def write() -> None:
        start.wait(10)
        names.append(blobs.put(content))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert names == [sha(content)] * 8
    assert blobs.read(sha(content), len(content)) == content


def test_a_damaged_content_is_had_again_from_the_history(tmp_path):
    blobs = BlobStore(tmp_path / "blobs")
    history = History(tmp_path / "history", blobs)
    for content in (b"A = 0.5\n", bytes(3_000_000), b""):
        sha256 = blobs.put(content)
        tree = Tree.of([Entry("a", 0o100644, len(content), sha256)])
        history.commit(tree, parent=None, author="base", message="m", at=datetime.now(UTC))
        path = tmp_path / "blobs" / sha256[:2] / sha256[2:]
        path.write_bytes(content + b"harm")
        assert not blobs.is_whole(sha256)
        assert blobs.mend(sha256, "a") == (content + b"harm")[: 2**20]
        path.write_bytes(b"other" + content)
        assert blobs.read(sha256, 4_000_000) == content
        path.unlink()
        assert blobs.mend(sha256, "a") == b""
        assert blobs.is_whole(sha256)


def test_a_damaged_content_is_had_again_by_a_history_that_was_opened_before_it_was_committed(tmp_path):
    blobs = BlobStore(tmp_path / "blobs")
    writer = History(tmp_path / "history", blobs)
    History(tmp_path / "history", blobs)  # one that only reads, as a study's views have it
    sha256 = blobs.put(b"A = 0.5\n")
    tree = Tree.of([Entry("a", 0o100644, 8, sha256)])
    writer.commit(tree, parent=None, author="base", message="m", at=datetime.now(UTC))
    (tmp_path / "blobs" / sha256[:2] / sha256[2:]).write_bytes(b"A = 0.3\n")
    assert blobs.mend(sha256, "a") == b"A = 0.3\n"
    assert blobs.is_whole(sha256)


def test_what_lay_where_a_reader_had_it_put_back_is_told_once(tmp_path):
    blobs = BlobStore(tmp_path / "blobs")
    history = History(tmp_path / "history", blobs)
    sha256 = blobs.put(b"A = 0.5\n")
    tree = Tree.of([Entry("a", 0o100644, 8, sha256)])
    history.commit(tree, parent=None, author="base", message="m", at=datetime.now(UTC))
    assert blobs.read(sha256, 100) == b"A = 0.5\n"
    assert blobs.take_untold([sha256]) == {}
    (tmp_path / "blobs" / sha256[:2] / sha256[2:]).write_bytes(b"A = 0.3\n")
    assert blobs.read(sha256, 100) == b"A = 0.5\n"
    assert blobs.take_untold(["another"]) == {}
    assert blobs.take_untold([sha256]) == {sha256: b"A = 0.3\n"}
    assert blobs.take_untold([sha256]) == {}


def test_what_was_changed_before_it_was_committed_is_refused(tmp_path):
    blobs = BlobStore(tmp_path / "blobs")
    sha256 = blobs.put(b"A = 0.5\n")
    (tmp_path / "blobs" / sha256[:2] / sha256[2:]).write_bytes(b"A = 0.3\n")
    history = History(tmp_path / "history", blobs)
    with pytest.raises(StoreError, match=r"train\.py.*was changed before it was committed"):
        history.commit(
            Tree.of([Entry("train.py", 0o100644, 8, sha256)]),
            parent=None,
            author="base",
            message="m",
            at=datetime.now(UTC),
        )


def test_a_damaged_copy_in_the_history_mends_nothing(tmp_path):
    blobs = BlobStore(tmp_path / "blobs")
    history = History(tmp_path / "history", blobs)
    sha256 = blobs.put(b"A = 0.5\n")
    tree = Tree.of([Entry("a", 0o100644, 8, sha256)])
    history.commit(tree, parent=None, author="base", message="m", at=datetime.now(UTC))
    for path in (tmp_path / "history/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"nothing")
    (tmp_path / "blobs" / sha256[:2] / sha256[2:]).write_bytes(b"A = 0.3\n")
    with pytest.raises(StoreError, match="the history has no copy") as error:
        blobs.mend(sha256, "train.py")
    assert "train.py" in str(error.value)
