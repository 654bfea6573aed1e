"""Runs one build, by the docker command with BuildKit, because Dockerfiles are written for it, else by the SDK.

Which image is built, and what must be there before, is decided by others.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import docker
from docker.api.build import process_dockerfile
from docker.errors import BuildError, DockerException
from docker.utils.build import tar
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from nightlab.controller.errors import ImageError

BUILD_TIMEOUT_S: Final = 3600.0
PROBE_TIMEOUT_S: Final = 20.0
KEPT_LINES: Final = 40
# Docker's command needs the buildx plugin for BuildKit from this version on; before, it has a client of its own.
FIRST_VERSION_WITH_BUILDX: Final = 23
STEP_STARTED: Final = re.compile(r"^(?:#\d+ \[(?P<buildkit>[^\]]+\] .+)|Step (?P<classic>\d+/\d+ : .+))$")
STEP_FAILED: Final = re.compile(r"^ > \[[^\]]*\] (?P<step>.+?):?$")
STEP_LINE: Final = re.compile(r"^#(?P<step>\d+) (?P<text>.*)")
SYNTAX_MISSING: Final = re.compile(r"resolve image config for \S*docker/dockerfile")

# What nightlab keeps beside a repo is no part of it: in a context it would get into images and spoil their layers.
NEVER_SENT: Final = (".nightlab", "**/.nightlab", "nightlab.toml", "**/nightlab.toml")

Progress = Callable[[str], None]
Builder = Literal["auto", "command", "sdk"]


def quiet(_text: str) -> None:
    """Drop a progress line."""


@dataclass(frozen=True, slots=True)
class Build:
    """What to build.

    Attributes:
        context: Folder that COPY reads from; its .dockerignore holds.
        dockerfile: Inside the context or elsewhere.
        tag: Name to give; None leaves the image without one.
        build_args: As `docker build --build-arg`.
        target: Stage to build; empty: the last.
        network: Whether RUN steps may use the network, as a plain `docker build` does.
        labels: Put on the image.
    """

    context: Path
    dockerfile: Path
    tag: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    network: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)

    def ignored(self) -> list[str]:
        """Patterns of what is not sent: the Dockerfile's own .dockerignore or the context's, and what is nightlab's."""
        own = self.dockerfile.with_name(f"{self.dockerfile.name}.dockerignore")
        file = own if own.is_file() else self.context / ".dockerignore"
        lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
        patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        return [*patterns, *NEVER_SENT]

    def arguments(self) -> list[str]:
        """As `docker build` takes them."""
        arguments = ["--file", str(self.dockerfile)]
        arguments += ["--tag", self.tag] if self.tag else []
        arguments += ["--target", self.target] if self.target else []
        arguments += [] if self.network else ["--network", "none"]
        for flag, pairs in (("--build-arg", self.build_args), ("--label", self.labels)):
            for name, value in pairs.items():
                arguments += [flag, f"{name}={value}"]
        return [*arguments, str(self.context)]


def run_build(
    client: docker.DockerClient,
    build: Build,
    *,
    progress: Progress = quiet,
    timeout_s: float = BUILD_TIMEOUT_S,
    builder: Builder = "auto",
) -> str:
    """Build an image; layers are cached by the engine.

    Args:
        client: The engine that builds and then has the image.
        build: What to build.
        progress: Called with one line as each step begins.
        timeout_s: Of the whole build.
        builder: "auto" uses the docker command where its BuildKit works on this engine.

    Returns:
        The image id, "sha256:...".

    Raises:
        ImageError: With the step that failed and the last lines of the output.
    """
    output = _Output(progress)
    try:
        program = None if builder == "sdk" or _is_podman(client) else find_docker_command()
        if builder == "command" and program is None:
            raise ImageError("no docker command with BuildKit is on PATH; install docker-buildx")
        if program is None:
            return _build_with_sdk(client, build, output, timeout_s)
        image = _build_with_command(program, engine_address(client), build, output, timeout_s)
        return str(client.images.get(image).id)
    except (DockerException, RequestException) as error:
        raise output.error(build, f"the engine failed: {error}") from error


def find_docker_command() -> str | None:
    """Return the first docker on PATH that can use BuildKit, or None.

    A docker without its buildx plugin, as some machines have it before a complete one, is passed over.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    programs = [Path(folder) / "docker" for folder in folders if folder]
    return next((str(path) for path in programs if os.access(path, os.X_OK) and _has_buildkit(path)), None)


def engine_address(client: docker.DockerClient) -> str:
    """Return the address of a client's engine in DOCKER_HOST's form, so that a command talks to the same one."""
    url = str(client.api.base_url)
    if url.startswith("http+docker://"):
        adapter: Any = client.api.get_adapter(url)
        return f"unix://{adapter.socket_path}"
    return url.replace("http://", "tcp://", 1)


class _Output:
    """Keeps the last lines of a build and tells each step's beginning."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._step = ""

    def read(self, lines: Iterable[str]) -> None:
        for line in lines:
            text = _printable(line.rstrip())[:2000]
            if started := STEP_STARTED.match(text):
                step = started["classic"] or f"[{started['buildkit']}"
                self._step = step
                if not step.startswith("[internal]"):
                    self._progress(step)
            if failed := STEP_FAILED.match(text):
                self._step = failed["step"]
            if text:
                self._lines.append(text)

    def error(self, build: Build, reason: str) -> ImageError:
        name, reason = build.tag or str(build.dockerfile), _printable(reason)
        where = f" at step {self._step!r}" if self._step else ""
        tail = "".join(f"\n  {line}" for line in _telling(list(self._lines)))
        own = replace(build, tag=None, labels={})
        hint = f"run it by hand: {shlex.join(['docker', 'build', *own.arguments()])}"
        if any(SYNTAX_MISSING.search(line) for line in self._lines):
            hint = f"no registry gave the image that the Dockerfile's `# syntax` line names; take the line out; {hint}"
        return ImageError(f"building {name} failed{where}: {reason}{tail}", hint=hint)


def _telling(lines: list[str]) -> list[str]:
    """Return the lines of the step that failed, in BuildKit's mixed output; all lines of any other."""
    steps = [match for line in lines if (match := STEP_LINE.match(line))]
    failed = {match["step"] for match in steps if match["text"].startswith("ERROR")}
    told = [STEP_LINE.match(line) for line in lines]
    return [line for line, at in zip(lines, told, strict=True) if _tells(at, failed)] if failed else lines


def _tells(at: re.Match[str] | None, failed: set[str]) -> bool:
    return at is None or (at["step"] in failed and not at["text"].startswith("sha256:"))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _build_with_command(program: str, address: str, build: Build, output: _Output, timeout_s: float) -> str:
    with tempfile.TemporaryDirectory(prefix="nightlab-build-") as folder:
        id_file = Path(folder) / "image-id"
        arguments = _staged(build, Path(folder)).arguments()
        command = [program, "build", "--progress", "plain", "--iidfile", str(id_file), *arguments]
        status = _run(command, _command_environment(address), output, timeout_s)
        if status is None:
            raise output.error(build, f"not done after {timeout_s:.0f} s")
        if status != 0:
            raise output.error(build, f"exit status {status}")
        return id_file.read_text().strip()


def _staged(build: Build, folder: Path) -> Build:
    """Put the Dockerfile where it has a .dockerignore of its own, which BuildKit prefers to the context's."""
    dockerfile = folder / "Dockerfile"
    dockerfile.write_bytes(build.dockerfile.read_bytes())
    dockerfile.with_name("Dockerfile.dockerignore").write_text("\n".join(build.ignored()) + "\n")
    return replace(build, dockerfile=dockerfile)


def _run(command: list[str], environment: Mapping[str, str], output: _Output, timeout_s: float) -> int | None:
    """Run to the end, output and all; None if it had to be killed at the limit."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        late = threading.Event()
        timer = threading.Timer(timeout_s, _expire, [late, process.pid])
        timer.start()
        try:
            assert process.stdout is not None
            output.read(process.stdout)
            status = process.wait()
        except BaseException:
            _kill_group(process.pid)
            raise
        finally:
            timer.cancel()
    return None if late.is_set() else status


def _command_environment(address: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("DOCKER_CONTEXT", "BUILDX_CONFIG")}
    return environment | {
        "DOCKER_HOST": address,
        "DOCKER_BUILDKIT": "1",
        "BUILDX_BUILDER": "default",  # another one would leave the image outside the engine
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }


def _expire(late: threading.Event, group: int) -> None:
    late.set()
    _kill_group(group)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _build_with_sdk(client: docker.DockerClient, build: Build, output: _Output, timeout_s: float) -> str:
    ids: list[str] = []
    try:
        name, text = process_dockerfile(str(build.dockerfile), str(build.context))
        context: Any = tar(build.context, exclude=build.ignored(), dockerfile=(name, text))
        events = client.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=name,
            tag=build.tag,
            buildargs=dict(build.build_args),
            target=build.target or None,
            network_mode=None if build.network else "none",
            labels=dict(build.labels),
            rm=True,
            forcerm=True,
            decode=True,
            timeout=int(timeout_s),
        )
        output.read(_sdk_lines(events, ids, time.monotonic() + timeout_s))
    except (DockerException, RequestException, HTTPError, OSError) as error:
        raise output.error(build, str(error)) from error
    if not ids:
        raise output.error(build, "the engine named no image")
    return str(client.images.get(ids[-1]).id)


def _sdk_lines(events: Iterable[Mapping[str, object]], ids: list[str], deadline: float) -> Iterator[str]:
    for event in events:
        if time.monotonic() > deadline:  # a silent build is ended by the client's own limit
            raise BuildError("not done within its time limit", iter(()))
        if isinstance(aux := event.get("aux"), Mapping) and "ID" in aux:
            ids.append(str(aux["ID"]))
        if "error" in event:
            raise BuildError(str(event["error"]), iter(()))
        yield from str(event.get("stream", "")).splitlines()


def _has_buildkit(program: Path) -> bool:
    if _succeeds([str(program), "buildx", "version"]) is not None:
        return True
    version = _succeeds([str(program), "--version"])
    found = re.match(r"Docker version (\d+)", version or "")
    return found is not None and int(found[1]) < FIRST_VERSION_WITH_BUILDX


def _succeeds(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _is_podman(client: docker.DockerClient) -> bool:
    components = client.version().get("Components") or []
    return any("podman" in str(component.get("Name", "")).lower() for component in components)
