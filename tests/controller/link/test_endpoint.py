"""A socket belongs to one server at a time, in a directory that only the supervisor may enter."""

import os
import socket
import stat

import pytest

from nightlab.controller.errors import LinkError, SandboxLost
from nightlab.controller.link.endpoint import Endpoint


async def test_second_bind_is_refused_and_the_first_goes_on(link, sandbox):
    with pytest.raises(LinkError, match="another process serves"):
        await link.server().start()
    assert await sandbox.ping() < 5


async def test_directory_and_socket_are_closed_to_others(link, sandbox):
    is_root = os.geteuid() == 0
    assert stat.S_IMODE(link.socket_directory.stat().st_mode) == (0o700 if is_root else 0o750)
    assert stat.S_IMODE((link.socket_directory / "link.sock").stat().st_mode) == (0o600 if is_root else 0o660)


async def test_stale_socket_of_a_dead_host_is_replaced(link, base):
    link.socket_directory.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(link.socket_directory / "link.sock"))
    async with link.sandbox() as sandbox:
        assert await sandbox.ping() < 5


def test_anything_but_a_socket_in_its_place_is_refused(base):
    (base / "link").mkdir()
    (base / "link" / "link.sock").symlink_to("/run/other.sock")
    with pytest.raises(LinkError, match="is no socket"):
        Endpoint(base / "link").claim()


def test_long_path_is_refused_before_anything_is_made(base):
    with pytest.raises(LinkError, match="107 bytes"):
        Endpoint(base / ("d" * 100)).claim()
    assert not list(base.iterdir())


async def test_no_supervisor_within_the_deadline_is_a_lost_sandbox(link):
    server = link.server()
    await server.start()
    try:
        with pytest.raises(SandboxLost, match="no supervisor has connected"):
            await server.connected(0.2)
    finally:
        await server.stop()
