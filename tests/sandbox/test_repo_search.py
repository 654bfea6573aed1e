"""The repo is found by its content, wherever the image has it."""

import hashlib
from pathlib import Path

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.repo_search import find_repo

FILES = {"train.py": b"import torch\n", "pkg/model.py": b"class GPT: ...\n"}
PROBES = [
    pb.TreeEntry(path=path, mode=0o100644, size=len(content), sha256=hashlib.sha256(content).digest())
    for path, content in FILES.items()
]


def lay_out(root: Path, **changes: bytes) -> None:
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(changes.get(Path(path).stem, content))


def search(*candidates: Path) -> list[tuple[str, int, int]]:
    request = pb.FindRepo(probes=PROBES, candidates=[str(path) for path in candidates], max_directories=0)
    return [(match.root, match.same, match.differing) for match in find_repo(request).matches]


def test_same_content_wins_over_an_older_copy(tmp_path):
    lay_out(tmp_path / "old", train=b"older\n")
    lay_out(tmp_path / "app")
    (tmp_path / "empty").mkdir()
    found = search(tmp_path / "empty", tmp_path / "old", tmp_path / "app", tmp_path / "absent")
    assert found == [(str(tmp_path / "app"), 2, 0), (str(tmp_path / "old"), 1, 1)]


def test_first_candidate_wins_a_tie(tmp_path):
    lay_out(tmp_path / "a")
    lay_out(tmp_path / "b")
    assert [root for root, _, _ in search(tmp_path / "b", tmp_path / "a")] == [str(tmp_path / n) for n in "ba"]


def test_walk_finds_it_without_candidates_and_within_its_bound():
    here = Path(__file__)
    content = here.read_bytes()
    probe = pb.TreeEntry(path=here.name, mode=0o100644, size=len(content), sha256=hashlib.sha256(content).digest())
    assert find_repo(pb.FindRepo(probes=[probe], max_directories=1)).matches == []
    found = find_repo(pb.FindRepo(probes=[probe], candidates=[str(here.parent)], max_directories=1))
    assert found.matches[0].root == str(here.parent)


def test_linked_directory_is_not_taken_for_the_repo(tmp_path):
    lay_out(tmp_path / "real")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "pkg").symlink_to(tmp_path / "real" / "pkg")
    assert search(tmp_path / "app") == []
