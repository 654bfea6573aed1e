"""Bare Docker, as a person would use it: the peer that every case is interleaved with."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Final

from nightlab.controller.engine import Engine
from nightlab.controller.errors import EngineError

TIMEOUT_S: Final = 120.0
LABEL: Final = "nightlab.bench"


class Bare:
    """The `docker` program on the same engine, and one container of it that runs until `close`."""

    def __init__(self, engine: Engine, image: str) -> None:
        if shutil.which("docker") is None:
            raise EngineError(
                "the docker program is not installed", hint="install docker-cli; the peers are run with it"
            )
        self._image = image
        self._env = {**os.environ, "DOCKER_HOST": f"unix://{engine.facts.socket}"}
        self._client = engine.client
        self._idle: Any = None

    def run(self, *argv: str) -> None:
        """`docker run --rm --network none IMAGE ARGV` until it has ended."""
        self._docker("run", "--rm", "--network", "none", "--label", LABEL, self._image, *argv)

    def exec(self, *argv: str) -> None:
        """`docker exec` in the container that runs."""
        self._docker("exec", str(self._container.id), *argv)

    def exec_into(self, path: Path, *argv: str) -> None:
        """`docker exec` with its output written to a file."""
        with path.open("wb") as file:
            command = ["docker", "exec", str(self._container.id), *argv]
            subprocess.run(command, check=True, stdout=file, timeout=TIMEOUT_S, env=self._env)

    def put(self, name: str, content: bytes) -> None:
        """Copy a file into /tmp of the container, as `docker cp` does without starting a program."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        self._container.put_archive("/tmp", packed.getvalue())  # noqa: S108 - in the container

    def get(self, name: str) -> int:
        """Copy a file out of /tmp of the container; return the bytes that came."""
        chunks, _ = self._container.get_archive(f"/tmp/{name}")  # noqa: S108
        return sum(len(chunk) for chunk in chunks)

    def close(self) -> None:
        """Remove the container."""
        if self._idle is not None:
            self._idle.remove(force=True)
            self._idle = None

    @property
    def _container(self) -> Any:
        if self._idle is None:
            command = ["sleep", "infinity"]
            self._idle = self._client.containers.run(
                self._image, command, detach=True, network_mode="none", labels={LABEL: "1"}, use_config_proxy=False
            )
        return self._idle

    def _docker(self, *arguments: str) -> None:
        command = ["docker", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S, env=self._env)
