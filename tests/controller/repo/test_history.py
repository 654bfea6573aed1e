"""Every edit is a commit with its author, in a repository that only the host writes."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightlab.controller.errors import RepoError, StoreError
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.repo import BlobStore, History

from .conftest import AT

REGULAR, EXECUTABLE, SYMLINK = 0o100644, 0o100755, 0o120000


def tree_of(blobs: BlobStore, files: dict[str, bytes], mode: int = REGULAR) -> Tree:
    return Tree.of(Entry(path, mode, len(content), blobs.put(content)) for path, content in files.items())


@pytest.fixture
def history(tmp_path: Path, blobs: BlobStore) -> History:
    return History(tmp_path / "state/history", blobs)


def git(tmp_path: Path, *args: str) -> str:
    command = ["git", "--git-dir", str(tmp_path / "state/history"), *args]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def test_git_itself_accepts_what_was_written(tmp_path: Path, history: History, blobs: BlobStore):
    files = {"train.py": b"LR = 0.1\n", "a-b": b"1", "a/b": b"2", "a.b": b"3", "a0": b"", "été/x.py": b"\xff\0"}
    tree = tree_of(blobs, files).with_changes(
        [Entry("link", SYMLINK, 1, blobs.put(b"a")), Entry("run", EXECUTABLE, 2, blobs.put(b"#!"))]
    )
    commit = history.commit(tree, parent=None, author="base", message="the base tree", at=AT)
    assert git(tmp_path, "fsck", "--strict", "--full", commit) == ""
    listed = git(tmp_path, "-c", "core.quotePath=false", "ls-tree", "-r", "--format=%(objectmode) %(path)", commit)
    assert listed.splitlines() == sorted(
        [f"{entry.mode:o} {entry.path}" for entry in tree.entries], key=lambda line: line.split(" ", 1)[1].encode()
    )
    for path, content in files.items():
        command = ["git", "--git-dir", str(tmp_path / "state/history"), "cat-file", "blob", f"{commit}:{path}"]
        assert subprocess.run(command, capture_output=True, check=True).stdout == content


def test_edits_come_back_with_their_authors_in_order(tmp_path: Path, history: History, blobs: BlobStore):
    commits, parent = [], None
    authors = ["base", "action:hyperparameter/hyperparameter", "agent", "agent:command", "ruff:F401", "formatter:black"]
    for number, author in enumerate([*authors, "unknown"]):
        parent = history.commit(
            tree_of(blobs, {"train.py": b"LR = %d\n" % number}),
            parent=parent,
            author=author,
            message=f"edit {number}",
            trailers={"Nightlab-Trial": str(number)},
            at=AT + timedelta(seconds=number),
        )
        commits.append(parent)
    edits = history.edits(parent)
    assert [edit.author for edit in edits] == [*authors, "unknown"]
    assert [edit.commit for edit in edits] == commits
    assert edits[1].message == "edit 1\n\nNightlab-Trial: 1"
    assert edits[1].at_unix_s == int(AT.timestamp()) + 1
    assert [edit.commit for edit in history.edits(parent, since=commits[4])] == commits[5:]
    shown = git(tmp_path, "log", "-1", "--format=%an <%ae> %cn", commits[1])
    assert shown.strip() == "action:hyperparameter/hyperparameter <action@nightlab.invalid> nightlab"
    assert git(tmp_path, "log", "-1", "--format=%(trailers:key=Nightlab-Trial,valueonly)", commits[2]).strip() == "2"


def test_same_edit_has_the_same_commit_id_in_any_history(tmp_path: Path, blobs: BlobStore):
    def write(where: str, zone_at: datetime) -> str:
        return History(tmp_path / where, blobs).commit(
            tree_of(blobs, {"a/b.py": b"1"}), parent=None, author="base", message="m", trailers={"K": "v"}, at=zone_at
        )

    assert write("one", AT) == write("two", AT) == write("one", AT)
    assert write("one", AT) != write("one", AT + timedelta(seconds=1))


def test_only_new_contents_are_written(tmp_path: Path, history: History, blobs: BlobStore):
    files = {f"pkg{n % 20}/m{n}.py": b"x = %d\n" % n for n in range(200)}
    first = history.commit(tree_of(blobs, files), parent=None, author="base", message="m", at=AT)
    before = {path for path in (tmp_path / "state/history/objects").rglob("*") if path.is_file()}
    again = History(tmp_path / "state/history", BlobStore(tmp_path / "other"))
    changed = tree_of(blobs, files | {"pkg3/m3.py": b"x = 'new'\n"})
    BlobStore(tmp_path / "other").put(b"x = 'new'\n")
    second = again.commit(changed, parent=first, author="agent", message="m", at=AT)
    after = {path for path in (tmp_path / "state/history/objects").rglob("*") if path.is_file()}
    assert len(after - before) == 4  # the blob, two trees, the commit
    assert "x = 'new'" in again.diff(first, second)


def test_diff_is_limited_to_paths_and_to_a_size(history: History, blobs: BlobStore):
    base = history.commit(
        tree_of(blobs, {"a.py": b"1\n", "b.py": b"1\n"}), parent=None, author="base", message="", at=AT
    )
    tip = history.commit(
        tree_of(blobs, {"a.py": b"2\n", "b.py": b"2\n"}), parent=base, author="agent", message="", at=AT
    )
    diff = history.diff(base, tip, ["a.py"])
    assert "-1\n+2\n" in diff
    assert "b.py" not in diff
    assert history.diff(base, tip, ["*.py"]) == ""
    assert "+++ b/b.py" in history.diff(None, tip)
    assert history.diff(base, tip, max_bytes=100).endswith("more bytes of this diff are not shown)\n")


def test_attributes_of_a_tree_do_not_change_its_diff(history: History, blobs: BlobStore, tmp_path: Path):
    attributes = {".gitattributes": b"*.py -diff filter=evil diff=evil working-tree-encoding=UTF-16\n"}
    base = history.commit(tree_of(blobs, {"a.py": b"1\n"} | attributes), parent=None, author="base", message="m", at=AT)
    tip = history.commit(tree_of(blobs, {"a.py": b"2\n"} | attributes), parent=base, author="agent", message="m", at=AT)
    assert "-1\n+2\n" in history.diff(base, tip)


def test_hostile_author_message_and_trailer_stay_inside_their_fields(
    tmp_path: Path, history: History, blobs: BlobStore
):
    author = "formatter:x <evil@example.org>\nauthor root <r@r> 0 +0000"
    commit = history.commit(
        tree_of(blobs, {"a": b""}),
        parent=None,
        author=author,
        message="\x1b]52;c;evil\x07\0title\nsecond line",
        trailers={"Key": "value\n\nNightlab-Verdict: keep"},
        at=AT,
    )
    assert git(tmp_path, "fsck", "--strict", commit) == ""
    (edit,) = history.edits(commit)
    assert edit.author.startswith("formatter:x (evil@example.org)\\nauthor root")
    assert edit.message == "\\x1b]52;c;evil\\x07\\x00title\nsecond line\n\nKey: value\\n\\nNightlab-Verdict: keep"
    with pytest.raises(ValueError, match="author"):
        history.commit(tree_of(blobs, {"a": b""}), parent=None, author="root", message="m", at=AT)


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/post-checkout",
        "a/.GIT/config",
        "x/.git. ",
        "git~1/y",
        ".g\u200cit/config",
        ".git::$INDEX/x",
        "../x",
        "/abs",
    ],
)
def test_path_that_could_become_a_git_directory_or_leave_the_tree_is_refused(history: History, blobs: BlobStore, path):
    with pytest.raises(RepoError, match="path"):
        history.commit(tree_of(blobs, {path: b"x"}), parent=None, author="agent", message="m", at=AT)


def test_file_that_is_also_a_directory_is_refused(history: History, blobs: BlobStore):
    for files in ({"a": b"1", "a/b": b"2"}, {"a/b/c": b"2", "a/b": b"1"}):
        with pytest.raises(RepoError, match="file and a directory"):
            history.commit(tree_of(blobs, files), parent=None, author="agent", message="m", at=AT)


def test_missing_content_and_unknown_commits_are_errors(history: History, blobs: BlobStore):
    lost = Tree.of([Entry("a", REGULAR, 1, "0" * 64)])
    with pytest.raises(StoreError, match="'a'"):
        history.commit(lost, parent=None, author="base", message="m", at=AT)
    for commit in ("0" * 40, "--output=/tmp/x", "HEAD"):
        with pytest.raises(RepoError):
            history.diff(None, commit)
        with pytest.raises(RepoError):
            history.edits(commit)
    with pytest.raises(ValueError, match="time zone"):
        history.commit(lost, parent=None, author="base", message="m", at=datetime(2026, 1, 1))


def test_trials_are_marked_by_refs(tmp_path: Path, history: History, blobs: BlobStore):
    one = history.commit(tree_of(blobs, {"a": b"1"}), parent=None, author="base", message="m", at=AT)
    two = history.commit(tree_of(blobs, {"a": b"2"}), parent=one, author="agent", message="m", at=AT)
    history.mark("study1", 7, one)
    history.mark("study1", 7, two)
    assert (history.marked("study1", 7), history.marked("study1", 8)) == (two, None)
    assert git(tmp_path, "rev-parse", "refs/nightlab/study1/trial/7").strip() == two
    with pytest.raises(ValueError, match="cannot name"):
        history.mark("../x", 7, two)


def test_torn_line_of_the_id_map_costs_nothing_but_a_second_write(tmp_path: Path, history: History, blobs: BlobStore):
    tree = tree_of(blobs, {"a": b"1", "b": b"2"})
    commit = history.commit(tree, parent=None, author="base", message="m", at=AT)
    ids = tmp_path / "state/history/nightlab-blob-ids"
    ids.write_bytes(ids.read_bytes()[:-20])
    again = History(tmp_path / "state/history", blobs)
    assert again.commit(tree, parent=None, author="base", message="m", at=AT) == commit
    newer = tree.with_changes([Entry("c", REGULAR, 1, blobs.put(b"3"))])
    tip = again.commit(newer, parent=commit, author="agent", message="m", at=AT.astimezone(UTC))
    assert History(tmp_path / "state/history", blobs).diff(commit, tip).count("diff --git") == 1
