"""What a plugin's container is and what runs in it, whether it comes from an image or from a package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from nightlab.controller.engine import Scratch
from nightlab.controller.link.sandbox import Sandbox

RUN_DIR: Final = "/run/nightlab"
"""Where the plugin binds its socket: a small directory in memory, of the container's own."""
SOCKET: Final = f"{RUN_DIR}/plugin.sock"
SOCKET_VARIABLE: Final = "NIGHTLAB_PLUGIN_SOCKET"
UNPRIVILEGED: Final = 65532
BARE_ENV: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",  # noqa: S108 - in the container
    "LANG": "C.UTF-8",
}


@dataclass(frozen=True, slots=True)
class Workload:
    """The plugin's process.

    Attributes:
        argv: Program and arguments.
        env: The whole environment.
        cwd: Absolute.
        uid: Never 0.
        gid: Never 0.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    uid: int = UNPRIVILEGED
    gid: int = UNPRIVILEGED


class Plan(Protocol):
    """One kind of plugin: its image, and how it is put in and started."""

    async def image_id(self) -> str:
        """Return the image of its container, "sha256:...".

        Raises:
            ImageError: The engine has it no more, or it cannot serve a plugin.
        """
        ...

    def scratch(self) -> tuple[Scratch, ...]:
        """Return the directories in memory that it needs besides RUN_DIR."""
        ...

    async def workload(self, sandbox: Sandbox) -> Workload:
        """Put in what the plugin needs and say what is to be run.

        Raises:
            LinkError: The sandbox could not do it.
            PluginError: What the plugin is made of is not what it was.
        """
        ...


class WithoutSocket:
    """A plan whose program is started without the socket's variable, as somebody does by hand."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def image_id(self) -> str:
        """Return the image of the plan."""
        return await self._plan.image_id()

    def scratch(self) -> tuple[Scratch, ...]:
        """Return the directories of the plan."""
        return self._plan.scratch()

    async def workload(self, sandbox: Sandbox) -> Workload:
        """Return the program of the plan in a smaller environment."""
        whole = await self._plan.workload(sandbox)
        return replace(whole, env={name: value for name, value in whole.env.items() if name != SOCKET_VARIABLE})
