"""Questions about an image are answered from its own files, as the engine and a shell would."""

import os
from pathlib import Path

import pytest

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused
from nightlab.sandbox.lookups import probe_access, resolve_program, resolve_user

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other uids are needed")


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nbroken line\n1000:x:7:7::/odd:/bin/sh\nml:x:1000:100:ML:/home/ml:/bin/sh\n"
    )
    (tmp_path / "group").write_text("root:x:0:\nusers:x:100:ml\ngpu:x:44:ml\n")
    return str(tmp_path / "passwd"), str(tmp_path / "group")


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("", (0, 0, "root", "/root")),
        ("ml", (1000, 100, "ml", "/home/ml")),
        ("ml:gpu", (1000, 44, "ml", "/home/ml")),
        ("1000", (7, 7, "1000", "/odd")),  # a name that looks like a number is a name
        ("4242", (4242, 0, "", "")),
        ("4242:4343", (4242, 4343, "", "")),
        ("0", (0, 0, "root", "/root")),
    ],
)
def test_user_is_found_as_the_engine_finds_it(tables, user, found):
    result = resolve_user(pb.ResolveUser(user=user), *tables)
    assert (result.uid, result.gid, result.name, result.home) == found


@pytest.mark.parametrize("user", ["nobody", "ml:nogroup", "99999999999", "-1", "a b"])
def test_user_that_is_none_is_refused(tables, user):
    with pytest.raises(Refused):
        resolve_user(pb.ResolveUser(user=user), *tables)


def test_image_without_tables_knows_numbers_only(tmp_path):
    absent = str(tmp_path / "absent")
    assert resolve_user(pb.ResolveUser(user=""), absent, absent).uid == 0
    assert resolve_user(pb.ResolveUser(user="5:6"), absent, absent).gid == 6
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Refused):
        resolve_user(pb.ResolveUser(user="x"), str(tmp_path / "fifo"), absent)


@needs_root
def test_unreadable_paths_are_named_at_their_top(tmp_path):
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:-2]:
        assert parent.stat().st_mode & 0o005 or parent.chmod(0o711) is None
    for name, mode in {"open": 0o644, "closed": 0o600}.items():
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    (tmp_path / "cache" / "deep").mkdir(parents=True)
    (tmp_path / "cache" / "deep" / "f").write_text("x")
    (tmp_path / "cache").chmod(0o700)
    (tmp_path / "listed").mkdir()
    (tmp_path / "listed" / "f").write_text("x")
    (tmp_path / "listed").chmod(0o744)
    result = probe_access(pb.ProbeAccess(paths=[str(tmp_path)], uid=4242, gid=4242, max_entries=100))
    assert sorted(result.unreadable) == [str(tmp_path / name) for name in ("cache", "closed", "listed")]
    assert os.geteuid() == 0
    assert (tmp_path / "closed").read_text() == "x"  # and this thread is itself again


def test_program_is_found_on_the_path_with_its_interpreter(tmp_path):
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "train"
    script.write_text("#!/usr/bin/env python3\n")
    (tmp_path / "train").mkdir()
    request = pb.ResolveProgram(program="train", path_env=f"{tmp_path}:{tmp_path}/bin", cwd="/")
    assert resolve_program(request).path == ""
    script.chmod(0o755)
    result = resolve_program(request)
    assert (result.path, result.interpreter) == (str(script), "/usr/bin/env python3")
    relative = resolve_program(pb.ResolveProgram(program="bin/train", path_env="", cwd=str(tmp_path)))
    assert relative.path == str(script)
