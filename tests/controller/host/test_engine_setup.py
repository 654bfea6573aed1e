"""An engine that answers is left alone; where none does, the message says what to do."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightlab.controller.errors import EngineMissing
from nightlab.controller.host import engine_setup
from nightlab.controller.host.engine_setup import engine_answers, ensure_engine, ping


class Answer(socketserver.StreamRequestHandler):
    """Answers a ping as an engine does, or as a broken one does."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(self.server.reply)


@pytest.fixture
def engine_at(tmp_path) -> Iterator[object]:
    """Serve a reply at a socket in tmp_path."""
    servers = []

    def serve(reply: bytes) -> Path:
        path = tmp_path / f"{len(servers)}.sock"
        server = socketserver.ThreadingUnixStreamServer(str(path), Answer)
        server.reply = reply
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return path

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def bare_machine(tmp_path, monkeypatch) -> None:
    """A machine without an engine, on which this user is not root."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(engine_setup, "DOCKER_SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(engine_setup, "PODMAN_SOCKET", tmp_path / "podman.sock")
    monkeypatch.setattr(engine_setup.packages, "can_install", lambda: False)


def refuse(_text: str) -> None:
    raise AssertionError("nothing is to be done")


def test_only_a_good_answer_is_an_answer(engine_at, tmp_path):
    assert ping(engine_at(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"))
    assert not ping(engine_at(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"))
    assert not ping(engine_at(b"nonsense\r\n"))
    assert not ping(engine_at(b""))
    assert not ping(tmp_path / "nowhere.sock")


def test_an_engine_that_answers_is_left_alone(bare_machine, engine_at, monkeypatch):
    path = engine_at(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
    monkeypatch.setattr(engine_setup, "PODMAN_SOCKET", path)
    ensure_engine(refuse)
    monkeypatch.setattr(engine_setup, "PODMAN_SOCKET", Path("/nowhere"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    ensure_engine(refuse)


def test_a_remote_engine_is_not_replaced_by_a_local_one(bare_machine, monkeypatch):
    """Whether it may be used is decided where it is connected to."""
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere")
    assert engine_answers()
    ensure_engine(refuse)


def test_a_dead_engine_that_the_user_chose_is_named(bare_machine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    with pytest.raises(EngineMissing, match=r"DOCKER_HOST=unix:///nowhere.sock"):
        ensure_engine(refuse)


def test_who_may_not_install_one_is_told_what_to_do(bare_machine):
    with pytest.raises(EngineMissing, match=r"only root on Debian or Ubuntu .* install Docker or Podman"):
        ensure_engine(refuse)


def test_a_daemon_that_does_not_start_is_quoted(bare_machine, tmp_path, monkeypatch):
    daemon = tmp_path / "dockerd"
    daemon.write_text("#!/bin/sh\necho 'failed to start daemon: iptables is missing' >&2\nexit 7\n")
    daemon.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engine_setup, "DAEMON_LOG", tmp_path / "dockerd.log")
    monkeypatch.setattr(engine_setup.packages, "can_install", lambda: True)
    if Path("/run/systemd/system").is_dir() or Path("/proc/1/comm").read_text().strip() == "init":
        pytest.skip("this machine's init system starts its daemons")
    with pytest.raises(EngineMissing, match=r"ended with status 7 .*\n  failed to start daemon: iptables"):
        ensure_engine(lambda _text: None)
