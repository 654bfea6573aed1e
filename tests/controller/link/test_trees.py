"""Trees: what is put is what is there, nobody else can change it, and no path or link leads out of the root."""

import os
import stat

import pytest

from nightlab.controller.errors import CommandFailed
from nightlab.controller.link import Editor
from nightlab.controller.model.tree import Entry, Tree

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other uids are needed")
ENV = {"PATH": "/usr/bin:/bin"}


async def sh(sandbox, code, uid):
    return await sandbox.run("sh", ["sh", "-c", code], env=ENV, cwd="/", uid=uid, gid=uid, wall_limit_s=20)


async def test_tree_that_was_put_has_its_digest_and_is_scanned_alike(link, sandbox):
    files = {"train.py": b"lr = 0.5\n", "pkg/__init__.py": b"", "pkg/deep/er/run.sh": b"#!/bin/sh\n", "umläut": b"x"}
    tree = Tree.of(
        [*link.blobs.tree(files, ("pkg/deep/er/run.sh",)).entries, link.blobs.entry("link", b"train.py", 0o120000)]
    )
    assert await sandbox.put_tree(str(link.workspace), tree) == tree.digest
    scan = await sandbox.scan_tree(str(link.workspace))
    assert (scan.entries, scan.odd) == (tree.entries, ())
    assert stat.S_IMODE((link.workspace / "pkg" / "deep").stat().st_mode) == 0o1777
    assert stat.S_IMODE((link.workspace / "train.py").stat().st_mode) == 0o444
    assert stat.S_IMODE((link.workspace / "pkg/deep/er/run.sh").stat().st_mode) == 0o555


async def test_second_tree_replaces_the_first_and_leaves_strangers(link, sandbox):
    await sandbox.put_tree(str(link.workspace), link.blobs.tree({"a": b"1", "b/c": b"2", "d": b"3"}))
    (link.workspace / "stranger").write_text("mine")
    tree = link.blobs.tree({"a": b"changed", "b": b"a file now"})
    assert await sandbox.put_tree(str(link.workspace), tree) == tree.digest
    assert sorted(path.name for path in link.workspace.iterdir()) == ["a", "b", "stranger"]


async def test_sealed_file_that_was_tampered_with_is_put_again(link, sandbox):
    tree = link.blobs.tree({"a": b"1", "b": b"2"})
    await sandbox.put_tree(str(link.workspace), tree)
    (link.workspace / "a").unlink()
    (link.workspace / "a").write_bytes(b"0.3")
    assert await sandbox.put_tree(str(link.workspace), tree) == tree.digest


async def test_large_tree_of_many_files(link, sandbox):
    tree = link.blobs.tree({f"d{n % 50}/f{n}": b"%d" % n for n in range(2000)} | {"big": bytes(5_000_000)})
    assert await sandbox.put_tree(str(link.workspace), tree) == tree.digest


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", "a//b", ".", "a/./b"])
async def test_path_that_leaves_the_root_is_refused(link, sandbox, path):
    with pytest.raises(CommandFailed) as caught:
        await sandbox.put_tree(str(link.workspace), Tree.of([link.blobs.entry(path, b"x")]))
    assert caught.value.failure == "INVALID"
    assert not list(link.workspace.iterdir())


async def test_content_with_another_hash_is_refused_and_not_left_behind(link, sandbox):
    entry = link.blobs.entry("a", b"right")
    link.blobs.contents[entry.sha256] = b"wrong"
    with pytest.raises(CommandFailed) as caught:
        await sandbox.put_tree(str(link.workspace), Tree.of([entry]))
    assert caught.value.failure == "MISMATCH"
    assert not list(link.workspace.iterdir())


async def test_content_that_the_store_lacks_is_a_failure(link, sandbox):
    with pytest.raises(CommandFailed) as caught:
        await sandbox.put_tree(str(link.workspace), Tree.of([Entry("a", 0o100644, 1, "00" * 32)]))
    assert caught.value.failure == "NOT_FOUND"


async def test_link_in_the_place_of_a_directory_is_not_followed(link, sandbox, base):
    (base / "outside").mkdir()
    (link.workspace / "pkg").symlink_to(base / "outside")
    with pytest.raises(CommandFailed, match="in the way"):
        await sandbox.put_tree(str(link.workspace), link.blobs.tree({"pkg/a": b"x"}))
    assert not list((base / "outside").iterdir())


async def test_scan_names_what_is_odd_and_follows_no_link(link, sandbox):
    os.mkfifo(link.workspace / "fifo")
    (link.workspace / "out").symlink_to("/etc")
    (link.workspace / "file").write_bytes(b"x")
    (link.workspace / os.fsdecode(b"bad\xff")).write_bytes(b"x")
    scan = await sandbox.scan_tree(str(link.workspace))
    assert [(entry.path, entry.mode) for entry in scan.entries] == [("file", 0o100644), ("out", 0o120000)]
    assert len(scan.odd) == 2
    only = await sandbox.scan_tree(str(link.workspace), ["file", "absent", "out/passwd"])
    assert [entry.path for entry in only.entries] == ["file"]


async def test_scan_of_too_many_entries_is_a_failure(link, sandbox):
    for n in range(5):
        (link.workspace / str(n)).touch()
    with pytest.raises(CommandFailed) as caught:
        await sandbox.scan_tree(str(link.workspace), max_entries=4)
    assert caught.value.failure == "LIMIT"


@needs_root
async def test_workload_can_add_files_and_change_none(link, sandbox, new_uid):
    uid = new_uid()
    tree = link.blobs.tree({"train.py": b"x", "pkg/mod.py": b"y"})
    await sandbox.put_tree(str(link.workspace), tree)
    for attack in (
        "echo 0.3 > train.py", "rm -f train.py", "mv train.py other.py", "chmod 777 train.py", "mv pkg pkg2",
        "ln -f pkg/mod.py train.py", "touch new && mv -f new train.py", "rm -rf pkg", "sed -i s/y/z/ pkg/mod.py",
    ):  # fmt: skip
        result = await sh(sandbox, f"cd {link.workspace} && {attack}", uid)
        assert result.exit.code != 0, attack
    added = await sh(sandbox, f"cd {link.workspace} && echo ok > checkpoint.pt && mkdir runs && echo ok > pkg/x", uid)
    assert added.exit.code == 0
    scan = await sandbox.scan_tree(str(link.workspace), [entry.path for entry in tree.entries])
    assert Tree(scan.entries).digest == tree.digest


@needs_root
async def test_editor_may_change_its_tree_and_others_may_not(link, sandbox, new_uid):
    editor, other = new_uid(), new_uid()
    tree = link.blobs.tree({"train.py": b"x", "pkg/mod.py": b"y"})
    assert await sandbox.put_tree(str(link.workspace), tree, Editor(editor, editor)) == tree.digest
    change = f"cd {link.workspace} && echo z > pkg/mod.py && mv train.py pkg/t.py"
    assert (await sh(sandbox, change, other)).exit.code != 0
    assert (await sh(sandbox, change, editor)).exit.code == 0
    with pytest.raises(CommandFailed, match="belongs to uid"):
        await sandbox.put_tree(str(link.workspace), tree)


async def test_more_sealed_paths_than_fit_a_message_are_scanned(link, sandbox):
    paths = {f"{'p' * 200}{n}" for n in range(20_000)}
    (link.workspace / min(paths)).write_text("x")
    scan = await sandbox.scan_tree(str(link.workspace), sorted(paths))
    assert [entry.path for entry in scan.entries] == [min(paths)]


async def test_a_part_of_a_crowd_is_listed_where_that_will_do(link, sandbox):
    for number in range(5):
        (link.workspace / f"file-{number}").touch()
    with pytest.raises(CommandFailed) as caught:
        await sandbox.scan_tree(str(link.workspace), max_entries=4)
    assert caught.value.failure == "LIMIT"
    scan = await sandbox.scan_tree(str(link.workspace), max_entries=4, allow_partial=True)
    assert scan.is_partial
    assert len(scan.entries) == 4
