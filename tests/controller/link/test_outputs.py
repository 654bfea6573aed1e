"""Files out: regular ones within the limits, as their owner, and nothing that a link, a fifo or a size could trick."""

import os
import time

import pytest

from nightlab.controller.errors import CommandFailed

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other uids are needed")
LIMITS = {"max_files": 10, "max_file_bytes": 1_000_000, "max_total_bytes": 2_000_000}


async def read(link, sandbox, *globs, **changes):
    me = {"as_uid": os.geteuid(), "as_gid": os.getegid()}
    return await sandbox.read_files(str(link.workspace), globs, into=link.base / "taken", **LIMITS | me | changes)


async def test_matching_files_are_taken_with_their_content(link, sandbox):
    (link.workspace / "out" / "deep").mkdir(parents=True)
    (link.workspace / "out" / "a.json").write_bytes(b"{}")
    (link.workspace / "out" / "deep" / "model.pt").write_bytes(os.urandom(700_000))
    (link.workspace / "empty.pt").touch()
    (link.workspace / "other.txt").write_text("no")
    result = await read(link, sandbox, "out/*.json", "**/*.pt")
    assert result.files == {"empty.pt": 0, "out/a.json": 2, "out/deep/model.pt": 700_000}
    assert result.skipped == {}
    for path in result.files:
        assert (link.base / "taken" / path).read_bytes() == (link.workspace / path).read_bytes()
    assert sorted(path.name for path in (link.base / "taken").iterdir()) == ["empty.pt", "out"]


async def test_links_fifos_and_directories_are_skipped(link, sandbox):
    (link.workspace / "secret").symlink_to("/etc/passwd")
    (link.workspace / "etc").symlink_to("/etc")
    os.mkfifo(link.workspace / "pipe")
    (link.workspace / "dir").mkdir()
    result = await read(link, sandbox, "*", "etc/passwd")
    assert result.files == {}
    assert result.skipped == {"secret": "symlink", "etc": "symlink", "pipe": "not a regular file"}


async def test_sparse_terabyte_trips_the_cap_at_once(link, sandbox):
    with (link.workspace / "huge").open("wb") as huge:
        huge.truncate(64 << 30)
    began = time.monotonic()
    result = await read(link, sandbox, "huge")
    assert time.monotonic() - began < 2
    assert result.skipped == {"huge": "larger than 1000000 bytes"}


async def test_count_and_total_are_limited(link, sandbox):
    for n in range(4):
        (link.workspace / f"f{n}").write_bytes(bytes(800_000))
    result = await read(link, sandbox, "f*")
    assert sorted(result.files) == ["f0", "f1"]
    assert set(result.skipped.values()) == {"more than 2000000 bytes in all"}
    result = await read(link, sandbox, "f*", max_files=1)
    assert (sorted(result.files), set(result.skipped.values())) == (["f0"], {"more than 1 files"})


async def test_names_that_a_terminal_would_obey_are_skipped_and_escaped(link, sandbox):
    (link.workspace / "a\x1b[2J").write_text("x")
    result = await read(link, sandbox, "*")
    assert result.files == {}
    assert result.skipped == {"a\\x1b[2J": "its name is not printable"}


async def test_earlier_link_on_the_host_is_replaced_not_followed(link, sandbox):
    (link.base / "taken").mkdir()
    (link.base / "victim").write_text("safe")
    (link.base / "taken" / "f").symlink_to(link.base / "victim")
    (link.workspace / "f").write_text("new")
    assert (await read(link, sandbox, "f")).files == {"f": 3}
    assert (link.base / "victim").read_text() == "safe"
    assert (link.base / "taken" / "f").read_text() == "new"


@pytest.mark.parametrize("glob", ["/etc/passwd", "../*", "a/../b", ""])
async def test_glob_that_leaves_the_root_is_refused(link, sandbox, glob):
    with pytest.raises(CommandFailed) as caught:
        await read(link, sandbox, glob)
    assert caught.value.failure == "INVALID"


@needs_root
async def test_files_are_opened_as_their_owner(link, sandbox, new_uid):
    owner, other = new_uid(), new_uid()
    (link.workspace / "private").write_text("x")
    os.chown(link.workspace / "private", owner, owner)
    (link.workspace / "private").chmod(0o600)
    assert (await read(link, sandbox, "private", as_uid=owner, as_gid=owner)).files == {"private": 1}
    refused = await read(link, sandbox, "private", as_uid=other, as_gid=other)
    assert refused.skipped == {"private": "unreadable: Permission denied"}


async def test_directory_swapped_for_a_link_while_reading_never_leads_out(link, sandbox):
    (link.base / "outside").mkdir()
    (link.base / "outside" / "f").write_text("secret")
    (link.workspace / "real").mkdir()
    (link.workspace / "real" / "f").write_text("mine")
    swapper = "cd $0 && ln -s $1 evil; while :; do mv -T real r2; mv -T evil real; mv -T real evil; mv -T r2 real; done"
    job = await sandbox.start_job(
        "swap", ["sh", "-c", swapper, str(link.workspace), str(link.base / "outside")], env={"PATH": "/usr/bin:/bin"},
        cwd="/", uid=os.geteuid(), gid=os.getegid(), wall_limit_s=60, stop_grace_s=0, log=link.base / "swap.log",
    )  # fmt: skip
    for _ in range(60):
        result = await read(link, sandbox, "real/f")
        if result.files:
            assert (link.base / "taken" / "real" / "f").read_text() == "mine"
    await sandbox.stop_job("swap", 0)
    await job.exited()
