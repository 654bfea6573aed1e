"""The base tree is the working tree, whatever state it is in."""

import hashlib
import os
import socket
from pathlib import Path

import pytest

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import RepoError
from nightlab.controller.link.limits import COMMAND_BYTES
from nightlab.controller.repo import BlobStore, SnapshotLimits, snapshot
from nightlab.controller.repo.snapshot import ENTRY_BYTES

from .conftest import Clone, make_clone


def paths_of(base) -> list[str]:
    return [entry.path for entry in base.tree.entries]


def test_clean_clone_has_tracked_files_with_modes_links_and_head(clone: Clone, blobs: BlobStore):
    base = snapshot(clone.root, blobs)
    assert paths_of(base) == [".gitignore", "latest", "pkg/model.py", "run.sh", "train.py"]
    assert base.tree.by_path["run.sh"].mode == 0o100755
    assert base.tree.by_path["train.py"].mode == 0o100644
    link = base.tree.by_path["latest"]
    assert (link.mode, blobs.read(link.sha256, 100)) == (0o120000, b"pkg/model.py")
    assert (base.head, base.branch, base.dirty, base.is_git) == (clone.git("rev-parse", "HEAD"), "main", (), True)
    assert base.file_count == 5
    assert base.total_bytes == sum(len(blobs.read(e.sha256, 1000)) for e in base.tree.entries)


def test_dirty_state_is_recorded_and_not_refused(clone: Clone, blobs: BlobStore):
    clone.write("train.py", "LR = 0.2\nSTEPS = 10\n")
    clone.write("new.py", "x = 1\n")
    clone.write("staged.py", "y = 1\n")
    clone.git("add", "staged.py")
    (clone.root / "pkg/model.py").unlink()
    clone.write("data/big.bin", "ignored")
    base = snapshot(clone.root, blobs)
    assert base.dirty == ("new.py", "pkg/model.py", "staged.py", "train.py")
    assert paths_of(base) == [".gitignore", "latest", "new.py", "run.sh", "staged.py", "train.py"]
    assert base.tree.by_path["train.py"].sha256 == hashlib.sha256(b"LR = 0.2\nSTEPS = 10\n").hexdigest()


def test_edit_in_the_same_instant_as_the_index_is_seen(clone: Clone, blobs: BlobStore):
    # By hand, since no test can win that race: the index has the edited file's times and the committed content's id.
    old = bytes.fromhex(clone.git("rev-parse", "HEAD:train.py"))
    instant = (10**9, 10**9)
    os.utime(clone.write("train.py", "LR = 0.9\nSTEPS = 10\n"), instant)
    clone.git("add", "train.py")
    new = bytes.fromhex(clone.git("rev-parse", ":train.py"))
    index = clone.root / ".git/index"
    body = index.read_bytes()[:-20].replace(new, old)
    index.write_bytes(body + hashlib.sha1(body).digest())
    os.utime(index, instant)
    assert snapshot(clone.root, blobs).dirty == ("train.py",)


def test_touched_but_unchanged_files_are_clean_and_the_index_is_left_alone(clone: Clone, blobs: BlobStore):
    os.utime(clone.root / "train.py", (1, 1))
    index = (clone.root / ".git/index").read_bytes()
    assert snapshot(clone.root, blobs).dirty == ()
    assert (clone.root / ".git/index").read_bytes() == index


def test_state_caches_and_virtual_environments_are_never_part_of_it(clone: Clone, blobs: BlobStore):
    clone.write(".nightlab/state.db", "x")
    clone.write("pkg/__pycache__/model.cpython-311.pyc", "x")
    clone.write("env/pyvenv.cfg", "home = /usr")
    clone.write("env/lib/site.py", "x")
    clone.write("environment.py", "kept = 1\n")
    base = snapshot(clone.root, blobs)
    assert base.dirty == ("environment.py",)
    assert "environment.py" in paths_of(base)
    assert len(paths_of(base)) == 6


def test_users_global_and_local_excludes_hold(clone: Clone, blobs: BlobStore, tmp_path, monkeypatch):
    clone.write("notes.txt", "x")
    clone.write("scratch.tmp", "x")
    clone.write("local.log", "x")
    (tmp_path / "home/.config/git").mkdir(parents=True)
    (tmp_path / "home/ignored").write_text("*.tmp\n")
    (tmp_path / "home/.gitconfig").write_text("[core]\n\texcludesFile = ~/ignored\n")
    (tmp_path / "home/.config/git/ignore").write_text("notes.txt\n")
    (clone.root / ".git/info/exclude").write_text("*.log\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert snapshot(clone.root, blobs).dirty == ("notes.txt",)
    (tmp_path / "home/.gitconfig").unlink()
    assert snapshot(clone.root, blobs).dirty == ("scratch.tmp",)


def test_without_git_all_unignored_files_are_taken(tmp_path: Path, blobs: BlobStore):
    repo = tmp_path / "plain"
    (repo / "sub/.venv").mkdir(parents=True)
    (repo / "sub/.venv/pyvenv.cfg").write_text("x")
    (repo / "sub/.venv/lib.py").write_text("x")
    (repo / "sub/a.py").write_text("x")
    (repo / "b.bin").write_text("x")
    (repo / ".gitignore").write_text("*.bin\n")
    base = snapshot(repo, blobs)
    assert paths_of(base) == [".gitignore", "sub/a.py"]
    assert (base.head, base.branch, base.dirty, base.is_git) == (None, None, (), False)


def test_folder_of_a_larger_clone_is_a_repo(clone: Clone, blobs: BlobStore):
    clone.write("pkg/.gitignore", "*.tmp\n")
    clone.write("pkg/x.tmp", "")
    clone.write("pkg/y.ckpt", "ignored from above")
    clone.write("elsewhere.py", "")
    base = snapshot(clone.root / "pkg", blobs)
    assert paths_of(base) == [".gitignore", "model.py"]
    assert base.dirty == (".gitignore",)
    assert base.head == clone.git("rev-parse", "HEAD")


def test_folder_that_a_larger_clone_ignores_is_not_that_clones(clone: Clone, blobs: BlobStore):
    clone.write("data/project/train.py", "x = 1\n")
    base = snapshot(clone.root / "data/project", blobs)
    assert (paths_of(base), base.is_git) == (["train.py"], False)


def test_submodules_and_inner_clones_are_files(clone: Clone, blobs: BlobStore, tmp_path: Path):
    library = make_clone(tmp_path / "library")
    library.write("lib.py", "L = 1\n")
    library.commit()
    clone.git("submodule", "add", "-q", str(library.root), "vendor/lib")
    clone.commit("submodule")
    clone.write("vendor/lib/lib.py", "L = 2\n")
    inner = make_clone(clone.root / "inner")
    inner.write("i.py", "")
    base = snapshot(clone.root, blobs)
    assert {"vendor/lib/lib.py", "inner/i.py", ".gitmodules"} <= set(paths_of(base))
    assert base.nested == ("inner", "vendor/lib")
    assert base.dirty == ("inner/i.py", "vendor/lib/lib.py")
    assert not any(part == ".git" for path in paths_of(base) for part in path.split("/"))


def test_linked_worktree_detached_head_packed_refs_and_unborn_branch(clone: Clone, blobs: BlobStore, tmp_path: Path):
    clone.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    clone.git("pack-refs", "--all")
    base = snapshot(tmp_path / "linked", blobs)
    assert (base.branch, base.head, base.dirty) == ("side", clone.git("rev-parse", "HEAD"), ())
    clone.git("checkout", "-q", "--detach")
    base = snapshot(clone.root, blobs)
    assert (base.branch, base.head) == (None, clone.git("rev-parse", "HEAD"))
    unborn = make_clone(tmp_path / "unborn")
    unborn.write("a.py", "")
    base = snapshot(unborn.root, blobs)
    assert (base.head, base.branch, base.dirty) == (None, "main", ("a.py",))


def test_sha256_split_index_and_sparse_checkout(blobs: BlobStore, tmp_path: Path):
    clone = make_clone(tmp_path / "sha256", "--object-format=sha256")
    clone.write("a/x.py", "1")
    clone.write("b/y.py", "2")
    clone.commit()
    clone.git("update-index", "--split-index")
    clone.write("a/x.py", "3")
    base = snapshot(clone.root, blobs)
    assert (len(base.head), base.dirty, paths_of(base)) == (64, ("a/x.py",), ["a/x.py", "b/y.py"])
    clone.git("commit", "-qam", "more")
    clone.git("sparse-checkout", "set", "--cone", "--sparse-index", "a")
    base = snapshot(clone.root, blobs)
    assert (base.dirty, paths_of(base)) == ((), ["a/x.py"])


def test_merge_conflict_counts_as_dirty(clone: Clone, blobs: BlobStore):
    clone.git("checkout", "-qb", "other")
    clone.write("train.py", "LR = 1\n")
    clone.commit()
    clone.git("checkout", "-q", "main")
    clone.write("train.py", "LR = 2\n")
    clone.commit()
    clone.git("merge", "other", check=False)
    assert snapshot(clone.root, blobs).dirty == ("train.py",)


def test_file_below_a_directory_that_became_a_link_is_not_followed(clone: Clone, blobs: BlobStore, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "model.py").write_text("outside")
    (clone.root / "pkg/model.py").unlink()
    (clone.root / "pkg").rmdir()
    (clone.root / "pkg").symlink_to(secret)
    base = snapshot(clone.root, blobs)
    assert "pkg/model.py" not in paths_of(base)
    assert base.tree.by_path["pkg"].mode == 0o120000
    assert base.dirty == ("pkg", "pkg/model.py")


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_odd_file_in_place_of_a_tracked_one_is_refused_by_name(clone: Clone, blobs: BlobStore, kind: str, monkeypatch):
    (clone.root / "train.py").unlink()
    monkeypatch.chdir(clone.root)
    if kind == "fifo":
        os.mkfifo("train.py")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("train.py")
    with pytest.raises(RepoError, match=r"'train\.py' is a (named pipe|socket).*\.gitignore"):
        snapshot(clone.root, blobs)


def test_name_that_is_not_utf8_is_refused_by_name_with_a_remedy(clone: Clone, blobs: BlobStore):
    (clone.root / os.fsdecode(b"caf\xe9.py")).write_text("x")
    with pytest.raises(RepoError, match=r'"caf\\xe9\.py" is not UTF-8; rename'):
        snapshot(clone.root, blobs)


def test_too_large_a_tree_names_the_largest_files(clone: Clone, blobs: BlobStore):
    clone.write("weights.bin", b"\0" * 5000)
    with pytest.raises(RepoError, match=r"Largest: weights\.bin \(4\.9 KiB\).*\.gitignore"):
        snapshot(clone.root, blobs, SnapshotLimits(max_bytes=2000))
    with pytest.raises(RepoError, match=r"6 files"):
        snapshot(clone.root, blobs, SnapshotLimits(max_files=5))


def test_broken_or_unknown_git_directory_is_refused_with_a_remedy(clone: Clone, blobs: BlobStore, tmp_path: Path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / ".git").write_text("gitdir: /nonexistent\n")
    with pytest.raises(RepoError, match="not a git directory"):
        snapshot(broken, blobs)
    clone.git("config", "core.repositoryformatversion", "1")
    clone.git("config", "extensions.refStorage", "reftable")
    with pytest.raises(RepoError, match="git refs migrate --ref-format=files"):
        snapshot(clone.root, blobs)
    with pytest.raises(RepoError, match="not a directory"):
        snapshot(tmp_path / "nowhere", blobs)


def test_file_modes_come_from_the_index_where_the_file_system_has_none(clone: Clone, blobs: BlobStore):
    clone.git("config", "core.fileMode", "false")
    (clone.root / "train.py").chmod(0o755)
    base = snapshot(clone.root, blobs)
    assert (base.tree.by_path["train.py"].mode, base.tree.by_path["run.sh"].mode) == (0o100644, 0o100755)
    assert base.dirty == ()


def test_names_that_look_like_options_or_patterns_are_plain_names(clone: Clone, blobs: BlobStore):
    for name in ("-rf", "--help", ":(glob)x", "a\nb", "*.py", "$(id)"):
        clone.write(name, name)
    assert {"-rf", "--help", ":(glob)x", "a\nb", "*.py", "$(id)"} <= set(snapshot(clone.root, blobs).dirty)


def test_file_that_changes_while_it_is_read_is_what_was_copied(clone: Clone, blobs: BlobStore, monkeypatch):
    stream = blobs.put_stream

    def put_and_grow(source, *, max_bytes: int):
        if os.fstat(source.fileno()).st_size == len("WIDTH = 64\n"):
            clone.write("pkg/model.py", "WIDTH = 64\nDEPTH = 2\n")
        return stream(source, max_bytes=max_bytes)

    monkeypatch.setattr(blobs, "put_stream", put_and_grow)
    taken = snapshot(clone.root, blobs).tree.by_path["pkg/model.py"]
    content = blobs.read(taken.sha256, 1000)
    assert len(content) == taken.size
    assert hashlib.sha256(content).hexdigest() == taken.sha256


def test_file_that_grows_past_the_limit_is_named(clone: Clone, blobs: BlobStore, monkeypatch):
    limit = sum(len(path.read_bytes()) for path in clone.root.glob("*.*") if path.is_file()) + 60
    stream = blobs.put_stream

    def put_and_grow(source, *, max_bytes: int):
        clone.write("train.py", "x" * limit)
        return stream(source, max_bytes=max_bytes)

    monkeypatch.setattr(blobs, "put_stream", put_and_grow)
    with pytest.raises(RepoError, match=r"'train\.py' grew past the limit"):
        snapshot(clone.root, blobs, SnapshotLimits(max_bytes=limit))


def test_a_tree_whose_list_fits_no_message_is_refused_before_anything_starts(clone, blobs):
    for number in range(40):
        clone.write(f"{'d' * 200}/{number}", "x")
    with pytest.raises(RepoError, match="most files: dddd"):
        snapshot(clone.root, blobs, SnapshotLimits(max_listing_bytes=8_000))
    largest = SnapshotLimits()
    count = largest.max_listing_bytes // (ENTRY_BYTES + 30)
    listing = pb.PutTree(
        entries=[pb.TreeEntry(path=f"{n:030}", mode=0o100644, size=2**31, sha256=bytes(32)) for n in range(count)]
    )
    assert listing.ByteSize() < COMMAND_BYTES
