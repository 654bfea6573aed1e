"""A plugin from a container image: its own program, environment and user, but never as root."""

from __future__ import annotations

from nightlab.controller.engine import Engine, ImageFacts, Scratch
from nightlab.controller.errors import ImageError
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.plugins.workload import BARE_ENV, SOCKET, SOCKET_VARIABLE, UNPRIVILEGED, Workload


class ImagePlan:
    """A `workload.Plan` of an image."""

    def __init__(self, engine: Engine, source: PluginSource) -> None:
        self._engine = engine
        self._source = source

    async def image_id(self) -> str:
        """Return the source's image.

        Raises:
            ImageError: The engine has it no more, or it names no program.
        """
        facts = await self._facts()
        if not self._command(facts):
            raise ImageError(
                f"the image of plugin {self._source.name} names no program to start",
                hint=f"give it an ENTRYPOINT, or set plugins.{self._source.name}.command",
            )
        return facts.image_id

    def scratch(self) -> tuple[Scratch, ...]:
        """Return none: /tmp is there, and each VOLUME of the image is covered."""
        return ()

    async def workload(self, sandbox: Sandbox) -> Workload:
        """Return the image's program as its user, or as an unprivileged one where that is root.

        Raises:
            LinkError: The image's USER is in none of its tables.
        """
        facts = await self._facts()
        user = await sandbox.resolve_user(facts.user)
        return Workload(
            argv=self._command(facts),
            env={**BARE_ENV, **facts.env, SOCKET_VARIABLE: SOCKET},
            cwd=facts.workdir,
            uid=user.uid or UNPRIVILEGED,
            gid=user.gid if user.uid and user.gid else UNPRIVILEGED,
        )

    async def _facts(self) -> ImageFacts:
        return await self._engine.image(self._source.image_id)

    def _command(self, facts: ImageFacts) -> tuple[str, ...]:
        return self._source.command or (*facts.entrypoint, *facts.command)
