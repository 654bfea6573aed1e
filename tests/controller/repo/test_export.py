"""The best tree reaches the user as a branch or patches that really apply, and nothing of theirs is touched."""

import hashlib
import os
from pathlib import Path

import pytest

from nightlab.controller.errors import RepoError
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.repo import (
    BaseTree,
    BlobStore,
    ExportStep,
    Provenance,
    export_branch,
    export_patch_series,
    snapshot,
)

from .conftest import AT, Clone, make_clone

BLOB = 0o100644


def provenance(tree: Tree) -> Provenance:
    return Provenance("s1", 12, "val_bpb", 2.41, 2.33, 0.021, tree.digest, "sha256:abc")


def entry(blobs: BlobStore, path: str, content: bytes, mode: int = BLOB) -> Entry:
    return Entry(path, mode, len(content), blobs.put(content))


def steps_from(base: BaseTree, blobs: BlobStore, folder: str = "") -> list[ExportStep]:
    """Two edits that change, add, remove, chmod and link files, with one that does nothing between them."""
    first = base.tree.with_changes([entry(blobs, f"{folder}train.py", b"LR = 0.05\nSTEPS = 10\n")])
    second = first.with_changes(
        [
            entry(blobs, f"{folder}pkg/new.py", b"no line end"),
            entry(blobs, f"{folder}bin.dat", bytes(range(256)) * 4),
            entry(blobs, f"{folder}dos.txt", b"one\r\ntwo\r\n"),
            entry(blobs, f"{folder}été.py", "é = 1\n".encode()),
            entry(blobs, f"{folder}run.sh", b"python train.py --fast\n", 0o100644),
            entry(blobs, f"{folder}latest", b"train.py", 0o120000),
        ],
        removed=[f"{folder}pkg/model.py"],
    )
    return [
        ExportStep(first, "action:hyperparameter/hyperparameter", "LR: 0.1 -> 0.05", {"Nightlab-Edit": "1"}),
        ExportStep(first, "ruff:I001", "nothing at all"),
        ExportStep(second, "agent", "rework\n---\ndiff --git a/x b/x\nthe model"),
    ]


def digest_of(root: Path, tmp_path: Path) -> str:
    """The tree digest of a directory, git's own files aside."""
    return snapshot(root, BlobStore(tmp_path / "check")).tree.digest


def fingerprint(clone: Clone) -> dict[str, str]:
    """Everything of the clone that an export must leave alone."""
    files = [p for p in clone.root.rglob("*") if p.is_file() and not p.is_symlink()]
    kept = [p for p in files if "objects" not in p.parts]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in kept}


def make_dirty(clone: Clone) -> None:
    clone.write("train.py", "LR = 0.1\nSTEPS = 20\n")
    clone.write("untracked.py", "u = 1\n")
    clone.write("with space/ü.txt", "x\r\n")


@pytest.fixture(params=["clean", "dirty", "sha256"])
def repo(request, clone: Clone, tmp_path: Path) -> Clone:
    if request.param == "sha256":
        clone = make_clone(tmp_path / "repo256", "--object-format=sha256")
        clone.write("train.py", "LR = 0.1\nSTEPS = 10\n")
        clone.write("pkg/model.py", "W = 1\n")
        clone.commit()
    if request.param == "dirty":
        make_dirty(clone)
    return clone


def test_branch_holds_the_best_tree_and_nothing_else_moves(repo: Clone, blobs: BlobStore, tmp_path: Path):
    base = snapshot(repo.root, blobs)
    status, before = repo.git("status", "--porcelain"), fingerprint(repo)
    steps = steps_from(base, blobs)
    best = steps[-1].tree
    made = export_branch(repo.root, base, steps, blobs, provenance=provenance(best), branch="nightlab/s1", at=AT)
    after = fingerprint(repo)
    assert after.keys() - before.keys() == {str(repo.root / ".git/refs/heads/nightlab/s1")}
    assert {path: after[path] for path in before} == before
    assert repo.git("status", "--porcelain") == status
    assert repo.git("fsck", "--strict", "--no-dangling") == ""
    assert repo.git("rev-list", "--count", f"{base.head}..nightlab/s1") == str(len(made.commits))
    assert made.has_base_commit == bool(base.dirty)
    assert len(made.commits) == 2 + made.has_base_commit
    repo.git("worktree", "add", "-q", str(tmp_path / "out"), "nightlab/s1")
    assert digest_of(tmp_path / "out", tmp_path) == best.digest


def test_branch_merges(clone: Clone, blobs: BlobStore, tmp_path: Path):
    base = snapshot(clone.root, blobs)
    steps = steps_from(base, blobs)
    export_branch(clone.root, base, steps, blobs, provenance=provenance(steps[-1].tree), branch="best", at=AT)
    clone.git("merge", "-q", "--ff-only", "best")
    assert digest_of(clone.root, tmp_path) == steps[-1].tree.digest


def test_patch_series_applies_to_a_fresh_clone(repo: Clone, blobs: BlobStore, tmp_path: Path):
    base = snapshot(repo.root, blobs)
    before = fingerprint(repo)
    steps = steps_from(base, blobs)
    best = steps[-1].tree
    made = export_patch_series(
        repo.root, base, steps, blobs, provenance=provenance(best), directory=tmp_path / "patches", at=AT
    )
    assert fingerprint(repo) == before
    assert [path.name[:5] for path in made.files] == ["0001-", "0002-", "0003-"][: len(made.files)]
    assert made.has_base_patch == bool(base.dirty)
    repo.git("clone", "-q", str(repo.root), str(tmp_path / "fresh"))
    fresh = Clone(tmp_path / "fresh")
    fresh.git("am", "-q", "--keep-cr", *map(str, made.files))
    assert digest_of(fresh.root, tmp_path) == best.digest
    log = fresh.git("log", "--format=%an <%ae>", f"{base.head}..HEAD").splitlines()
    assert log[0] == "agent <agent@nightlab.invalid>"
    assert log[1] == "action:hyperparameter/hyperparameter <action@nightlab.invalid>"
    trailers = fresh.git("log", "-1", "--format=%(trailers:only,unfold)").splitlines()
    assert trailers == [
        "Nightlab-Author: agent",
        "Nightlab-Study: s1",
        "Nightlab-Trial: 12",
        "Nightlab-Objective: val_bpb 2.41 -> 2.33",
        "Nightlab-Noise-Floor: 0.021",
        f"Nightlab-Tree: {best.digest}",
        "Nightlab-Image: sha256:abc",
    ]


def test_patches_without_git_apply_with_git_apply(tmp_path: Path, blobs: BlobStore):
    root = tmp_path / "plain"
    root.mkdir()
    (root / "train.py").write_text("LR = 0.1\nSTEPS = 10\n")
    base = snapshot(root, blobs)
    best = base.tree.with_changes([entry(blobs, "train.py", b"LR = 0.3\nSTEPS = 10\n")])
    steps = [ExportStep(best, "agent", "faster")]
    made = export_patch_series(
        root, base, steps, blobs, provenance=provenance(best), directory=tmp_path / "patches", at=AT
    )
    assert [path.name for path in made.files] == ["0001-faster.patch"]
    Clone(root).git("apply", str(made.files[0]))
    assert digest_of(root, tmp_path) == best.digest
    with pytest.raises(RepoError, match="not a git clone"):
        export_branch(root, base, steps, blobs, provenance=provenance(best), branch="b", at=AT)


def test_folder_of_a_larger_clone_keeps_what_is_beside_it(clone: Clone, blobs: BlobStore, tmp_path: Path):
    (clone.root / os.fsdecode(b"caf\xe9.txt")).write_text("a name that is not UTF-8, outside of the folder")
    clone.write("proj/train.py", "LR = 1\n")
    clone.commit()
    clone.write("beside.py", "uncommitted, not ours\n")
    base = snapshot(clone.root / "proj", blobs)
    assert base.dirty == ()
    best = base.tree.with_changes([entry(blobs, "train.py", b"LR = 2\n")])
    steps = [ExportStep(best, "agent", "x")]
    export_branch(clone.root / "proj", base, steps, blobs, provenance=provenance(best), branch="b", at=AT)
    assert clone.git("diff", "--name-only", "main", "b") == "proj/train.py"
    made = export_patch_series(
        clone.root / "proj", base, steps, blobs, provenance=provenance(best), directory=tmp_path / "p", at=AT
    )
    clone.git("am", "-q", "--keep-cr", *map(str, made.files))
    assert (clone.root / "proj/train.py").read_text() == "LR = 2\n"


def test_submodule_stays_what_it_was_and_a_change_in_it_is_refused(clone: Clone, blobs: BlobStore, tmp_path: Path):
    library = make_clone(tmp_path / "library")
    library.write("lib.py", "L = 1\n")
    library.commit()
    clone.git("submodule", "add", "-q", str(library.root), "lib")
    clone.commit()
    clone.write("lib/lib.py", "L = 2\n")
    base = snapshot(clone.root, blobs)
    good = base.tree.with_changes([entry(blobs, "train.py", b"LR = 2\n")])
    bad = base.tree.with_changes([entry(blobs, "lib/lib.py", b"L = 3\n")])
    made = export_branch(
        clone.root, base, [ExportStep(good, "agent", "x")], blobs, provenance=provenance(good), branch="b", at=AT
    )
    assert (made.left_out, made.has_base_commit) == (("lib/lib.py",), False)
    assert clone.git("diff", "--name-only", "main", "b") == "train.py"
    with pytest.raises(RepoError, match=r"'lib/lib\.py' lies in 'lib', a repo of its own"):
        export_branch(
            clone.root, base, [ExportStep(bad, "agent", "x")], blobs, provenance=provenance(bad), branch="c", at=AT
        )
    assert clone.git("branch", "--list", "c") == ""


def test_linked_worktree_shallow_and_unborn_clones(clone: Clone, blobs: BlobStore, tmp_path: Path):
    clone.commit("second")
    clone.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    clone.git("clone", "-q", "--depth=1", f"file://{clone.root}", str(tmp_path / "shallow"))
    unborn = make_clone(tmp_path / "unborn")
    unborn.write("train.py", "x")
    for root in (tmp_path / "linked", tmp_path / "shallow", unborn.root):
        base = snapshot(root, blobs)
        best = base.tree.with_changes([entry(blobs, "train.py", b"LR = 2\n")])
        steps, facts = [ExportStep(best, "agent", "x")], provenance(best)
        export_branch(root, base, steps, blobs, provenance=facts, branch=f"best-{root.name}", at=AT)
        user = Clone(root)
        assert user.git("show", f"best-{root.name}:train.py") == "LR = 2"
        made = export_patch_series(
            root, base, steps, blobs, provenance=facts, directory=tmp_path / f"p-{root.name}", at=AT
        )
        assert len(made.files) == 1
        if base.head:
            user.git("am", "-q", str(made.files[0]))


def test_branch_that_exists_clashes_or_is_checked_out_is_refused(clone: Clone, blobs: BlobStore, tmp_path: Path):
    clone.git("branch", "taken")
    clone.git("branch", "packed/one")
    clone.git("pack-refs", "--all")
    clone.git("worktree", "add", "-q", "-b", "elsewhere", str(tmp_path / "linked"))
    base = snapshot(clone.root, blobs)
    steps = steps_from(base, blobs)
    facts = provenance(steps[-1].tree)

    def export(branch: str, *, force: bool = False) -> None:
        export_branch(clone.root, base, steps, blobs, provenance=facts, branch=branch, at=AT, force=force)

    cases = {"taken": "exists already", "main": "checked out", "elsewhere": "checked out", "packed": "cannot be beside"}
    cases |= dict.fromkeys(("taken/below", "packed/one/x"), "cannot be beside")
    cases |= dict.fromkeys(("", "a..b", "-x", "a b", "x.lock", "../../config", "a\x1bb", "@{-1}"), "cannot name")
    for branch, text in cases.items():
        with pytest.raises(RepoError, match=text):
            export(branch)
    for branch in ("main", "elsewhere"):
        with pytest.raises(RepoError, match="checked out"):
            export(branch, force=True)
    export("taken", force=True)
    assert clone.git("show", "taken:train.py") == "LR = 0.05\nSTEPS = 10"
    (clone.root / ".git/refs/heads/held.lock").touch()
    with pytest.raises(RepoError, match=r"held\.lock exists"):
        export("held")
    clone.git("branch", "gone/deep")
    clone.git("branch", "-D", "gone/deep")
    export("gone")
    assert clone.git("fsck", "--no-dangling") == ""


def test_links_inside_a_git_directory_are_not_written_through(clone: Clone, blobs: BlobStore, tmp_path: Path):
    base = snapshot(clone.root, blobs)
    steps = steps_from(base, blobs)
    facts = provenance(steps[-1].tree)
    outside = tmp_path / "outside"
    outside.mkdir()
    (clone.root / ".git/refs/heads/dir").symlink_to(outside)
    (clone.root / ".git/refs/heads/file").symlink_to(outside / "file")
    for branch in ("dir/x", "file"):
        with pytest.raises(RepoError, match=r"export patches|symbolic link"):
            export_branch(clone.root, base, steps, blobs, provenance=facts, branch=branch, at=AT)
    assert list(outside.iterdir()) == []


def test_nothing_to_export_and_a_lost_base_commit_are_said(clone: Clone, blobs: BlobStore, tmp_path: Path):
    base = snapshot(clone.root, blobs)
    with pytest.raises(RepoError, match="nothing to export"):
        export_branch(
            clone.root,
            base,
            [ExportStep(base.tree, "agent", "x")],
            blobs,
            provenance=provenance(base.tree),
            branch="b",
            at=AT,
        )
    steps = steps_from(base, blobs)
    lost = BaseTree(base.tree, "1" * 40, "main", (), True)
    with pytest.raises(RepoError, match="commit 111111111111, from which the study began, is no longer in"):
        export_branch(clone.root, lost, steps, blobs, provenance=provenance(steps[-1].tree), branch="b", at=AT)
    facts = provenance(steps[-1].tree)
    target = tmp_path / "patches"
    first = export_patch_series(clone.root, base, steps, blobs, provenance=facts, directory=target, at=AT)
    with pytest.raises(RepoError, match="holds patches already"):
        export_patch_series(clone.root, base, steps, blobs, provenance=facts, directory=target, at=AT)
    again = export_patch_series(clone.root, base, steps, blobs, provenance=facts, directory=tmp_path / "p2", at=AT)
    assert [p.read_bytes() for p in first.files] == [p.read_bytes() for p in again.files]


def test_file_that_a_filter_changed_stays_as_it_is_committed(clone: Clone, blobs: BlobStore):
    clone.git("config", "filter.up.clean", "tr a-z A-Z")
    clone.write(".gitattributes", "*.bin filter=up\n")
    os.utime(clone.write("big.bin", "content"), (1, 1))
    clone.commit()
    assert clone.git("show", "HEAD:big.bin") == "CONTENT"
    base = snapshot(clone.root, blobs)
    assert base.dirty == ()
    assert blobs.read(base.tree.by_path["big.bin"].sha256, 100) == b"content"
    best = base.tree.with_changes([entry(blobs, "train.py", b"LR = 2\n")])
    steps = [ExportStep(best, "agent", "x")]
    export_branch(clone.root, base, steps, blobs, provenance=provenance(best), branch="b", at=AT)
    assert clone.git("diff", "--name-only", "main", "b") == "train.py"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write into another user's clone")
def test_clone_of_another_user_is_read_and_stays_theirs(clone: Clone, blobs: BlobStore):
    for path in (clone.root, *clone.root.rglob("*")):
        os.chown(path, 12345, 12346, follow_symlinks=False)
    base = snapshot(clone.root, blobs)
    steps = steps_from(base, blobs)
    facts = provenance(steps[-1].tree)
    export_branch(clone.root, base, steps, blobs, provenance=facts, branch="new/deep", at=AT)
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in (clone.root / ".git").rglob("*")}
    assert owners == {(12345, 12346)}


def test_objects_are_not_written_through_a_link(clone: Clone, blobs: BlobStore, tmp_path: Path):
    base = snapshot(clone.root, blobs)
    steps = steps_from(base, blobs)
    outside = tmp_path / "outside"
    outside.mkdir()
    objects = clone.root / ".git/objects"
    for number in range(256):
        if not (objects / f"{number:02x}").exists():
            (objects / f"{number:02x}").symlink_to(outside)
    with pytest.raises(RepoError, match="symbolic link"):
        export_branch(clone.root, base, steps, blobs, provenance=provenance(steps[-1].tree), branch="b", at=AT)
    assert list(outside.iterdir()) == []
    assert clone.git("branch", "--list", "b") == ""
