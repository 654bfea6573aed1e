"""A plugin that a command starts, the way a host does: a fresh directory, a socket path, PATH, and nothing else.

It runs in a session of its own, so that all it started can be found and ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from nightlab.sdk.conformance.channel import Channel
from nightlab.sdk.conformance.target import SOCKET_VARIABLE, Bare, Ended, StartError, Watched

KEPT_BYTES: Final = 4096
KILL_S: Final = 5.0


class CommandTarget:
    """A `target.Target` around a command."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)

    def start(self) -> CommandLife:
        """Start a life.

        Raises:
            StartError: The command is not there or may not be run.
        """
        return CommandLife(self._command)

    def start_bare(self, timeout_s: float) -> Bare:
        """Start it without a socket and wait for its end.

        Raises:
            StartError: The command is not there or may not be run.
        """
        process = _started(self._command, {}, subprocess.PIPE)
        try:
            words, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as late:
            _kill_group(process)
            return Bare(None, _text(late.stdout or b""))
        return Bare(process.returncode, _text(words))


class CommandLife:
    """A `target.Life` in a process of this machine."""

    def __init__(self, command: list[str]) -> None:
        # Below the system's own directory: a socket's path holds 107 characters.
        self._folder = tempfile.TemporaryDirectory(prefix="nightlab-kit-", ignore_cleanup_errors=True)
        socket = str(Path(self._folder.name) / "p.sock")
        try:
            self._process = _started(command, {SOCKET_VARIABLE: socket}, subprocess.PIPE)
        except StartError:
            self._folder.cleanup()
            raise
        self._printed = _Printed(self._process.stdout)
        self._channel = Channel(socket, lambda: self.alive)
        self._peak_bytes = 0

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call.

        Raises:
            CallError: There is no answer.
        """
        return self._channel.call(method, request, timeout_s=timeout_s, wait_for_ready=wait_for_ready)

    def terminate(self, patience_s: float) -> Ended:
        """Send SIGTERM, wait so long, then end what is left."""
        self._look()
        self._process.terminate()
        try:
            status = self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            ended = Ended(False, "still running", False)
        else:
            left = len(list(_members(self._process.pid)))
            ended = Ended(True, _how(status), status in (0, -signal.SIGTERM, 128 + signal.SIGTERM), left)
        self.kill()
        return ended

    def kill(self) -> None:
        """End all of its session at once."""
        self._look()
        self._channel.close()
        _kill_group(self._process)
        self._printed.close()
        self._folder.cleanup()

    def watched(self) -> Watched:
        """Tell what was seen of it."""
        self._look()
        return Watched(self._peak_bytes or None, self._printed.size, _text(self._printed.kept))

    def _look(self) -> None:
        peak = sum(_peak_bytes(pid) for pid in _members(self._process.pid))
        self._peak_bytes = max(self._peak_bytes, peak)


class _Printed:
    """Reads what a process prints, so that it never waits for a reader, and keeps the end of it."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None, "started with a pipe"
        self._pipe = pipe
        self.size = 0
        self.kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait for the end of the output; a stray process that holds it is not waited for."""
        self._thread.join(KILL_S)
        if not self._thread.is_alive():
            self._pipe.close()

    def _read(self) -> None:
        while part := os.read(self._pipe.fileno(), 65536):
            self.size += len(part)
            self.kept = (self.kept + part)[-KEPT_BYTES:]


def _started(command: list[str], env: dict[str, str], output: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            env={"PATH": os.environ.get("PATH", os.defpath), **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise StartError(f"{command[0]} cannot be started ({error}); give a command that runs, after --") from error


def _members(session: int) -> Iterator[int]:
    """Processes of a session that have not ended."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # After the name, which may hold anything but ends with the last ')': state, parent, group, session.
            state, _, _, its_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state not in "ZX":
            yield int(folder.name)


def _peak_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    for pid in {process.pid, *_members(process.pid)} if process.poll() is None else set(_members(process.pid)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait(KILL_S)


def _how(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _text(words: bytes) -> str:
    return words.decode(errors="replace").strip()
