"""Tools on the host read copies whatever mask the person's shell gives to new files."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from nightlab.api.confine import WORKER_ID
from nightlab.controller.inspection.host_tools import HostTools


@pytest.fixture
def private_files() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("private_files")
async def test_copies_are_read_where_new_files_are_private() -> None:
    async with HostTools() as tools:
        root = tools.write("tree", {"a/b/train.py": b"print(undefined)\n"})
        argv = [tools.ruff, "check", "--isolated", "--no-cache", "--exit-zero", "--output-format=concise", "."]
        said = await tools.run_tool("ruff", argv, cwd=root, uid=WORKER_ID, timeout_s=60)
    assert b"a/b/train.py:1:7: F821" in said
