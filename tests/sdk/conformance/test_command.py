"""A command under the kit: started bare, followed, and ended with all that it started."""

from __future__ import annotations

import os
from pathlib import Path

import grpc
import pytest

from nightlab.sdk.conformance.command import CommandLife, CommandTarget
from nightlab.sdk.conformance.target import CallError, StartError

PATIENCE_S = 30.0


def started(script: str) -> CommandLife:
    return CommandTarget(["sh", "-c", script]).start()


def ended(script: str) -> str:
    """Run a script to its end, whatever is called meanwhile, and return what it printed."""
    life = started(script)
    with pytest.raises(CallError) as failed:
        life.call("GetPluginInfo", b"", timeout_s=PATIENCE_S, wait_for_ready=True)
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    life.kill()
    return life.watched().last_words


def test_it_has_path_and_socket_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "1")
    words = ended("exec env")
    assert {line.partition("=")[0] for line in words.splitlines()} - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "PATH",
        "NIGHTLAB_PLUGIN_SOCKET",
    }


def test_its_socket_lies_in_a_directory_of_its_own_that_is_gone_with_it() -> None:
    mode, folder, count = ended(
        'd=$(dirname "$NIGHTLAB_PLUGIN_SOCKET"); stat -c "%a %n" "$d"; ls -A "$d" | wc -l'
    ).split()
    assert (mode, count) == ("700", "0")
    assert not Path(folder).exists()


def test_without_a_socket_it_has_path_alone() -> None:
    bare = CommandTarget(["sh", "-c", 'echo "${NIGHTLAB_PLUGIN_SOCKET-none}"; exit 3']).start_bare(PATIENCE_S)
    assert (bare.status, bare.words) == (3, "none")


def test_its_end_is_told(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    life = started(f'trap "exit 7" TERM; sleep 600 & echo started > {ready}; wait')
    ready.read_text()
    told = life.terminate(PATIENCE_S)
    assert (told.in_time, told.is_clean, told.how, told.left) == (True, False, "exit status 7", 1)


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    life = started(f"sleep 600 & echo $! > {ready}; wait")
    child = ready.read_text().strip()
    assert Path(f"/proc/{child}").exists()
    life.kill()
    status = Path(f"/proc/{child}/stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_what_it_prints_is_counted_and_its_end_kept() -> None:
    life = started("head -c 100000 /dev/zero | tr '\\0' x; echo; echo last")
    with pytest.raises(CallError):
        life.call("GetPluginInfo", b"", timeout_s=PATIENCE_S, wait_for_ready=True)
    life.kill()
    watched = life.watched()
    assert watched.printed_bytes == 100_006
    assert watched.last_words.endswith("x\nlast") and len(watched.last_words) <= 4096


def test_a_command_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(StartError, match="give a command that runs, after --"):
        CommandTarget(["/nowhere/at/all"]).start()
