"""Listing what a run left behind: whatever it made, an answer in bounded memory that fits a message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused
from nightlab.sandbox.scan import ODD_CHARACTERS, RESULT_BYTES, scan_tree


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of 60,000 files with long names, of which one could be imported."""
    root = tmp_path_factory.mktemp("crowd")
    source = root / "0"
    source.touch()
    fd = os.open(root, os.O_DIRECTORY)
    for number in range(60_000):  # links of one file, of which a directory takes a limited number
        if number % 30_000 == 0:
            source = root / f"source-{number}"
            source.touch()
        os.link(source.name, f"{'x' * 60}{number}", src_dir_fd=fd, dst_dir_fd=fd)
    os.close(fd)
    (root / "sitecustomize.py").write_text("")
    return root


def names(result: pb.ScanTreeResult) -> list[str]:
    return [entry.path for entry in result.entries]


def test_more_than_fits_is_refused_unless_a_part_will_do(crowd):
    with pytest.raises(Refused) as caught:
        scan_tree(pb.ScanTree(root=str(crowd)))
    assert caught.value.code == pb.FAILURE_CODE_LIMIT
    result = scan_tree(pb.ScanTree(root=str(crowd), max_hash_bytes=1, allow_partial=True))
    assert result.is_partial
    assert 10_000 < len(result.entries) < 60_000
    assert result.ByteSize() < RESULT_BYTES + 100_000


def test_names_by_their_end_are_found_in_any_crowd(crowd):
    result = scan_tree(pb.ScanTree(root=str(crowd), suffixes=[".py", ".so"], max_entries=10, max_hash_bytes=1))
    assert names(result) == ["sitecustomize.py"]
    assert not result.is_partial


def test_a_crowd_costs_little_memory(crowd):
    code = """
import resource, sys
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.scan import scan_tree
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
scan_tree(pb.ScanTree(root=sys.argv[1], suffixes=[".py"], max_hash_bytes=1))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = subprocess.run([sys.executable, "-c", code, str(crowd)], check=True, capture_output=True, text=True).stdout
    assert int(grown) * 1024 < 8 * 2**20


def test_a_path_too_long_for_the_protocol_is_odd(tmp_path):
    fd = os.open(tmp_path, os.O_DIRECTORY)
    for _ in range(40):
        os.mkdir("d" * 100, dir_fd=fd)
        deeper = os.open("d" * 100, os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    os.close(os.open("f" * 200 + ".py", os.O_CREAT, dir_fd=fd))
    os.close(fd)
    result = scan_tree(pb.ScanTree(root=str(tmp_path)))
    assert names(result) == []
    assert [len(path) for path in result.odd] == [ODD_CHARACTERS]


def test_odd_things_of_other_names_are_left_out(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    result = scan_tree(pb.ScanTree(root=str(tmp_path), suffixes=[".py"]))
    assert (names(result), list(result.odd)) == (["link.py"], ["pipe.py"])
