"""Makes the containers of a study's plugins: names, limits, hardening. What runs in them belongs to the plans."""

from __future__ import annotations

import hashlib
from typing import Final

from nightlab.controller.config.plugin import Plugin
from nightlab.controller.containers.start import SUPERVISOR_BYTES, Starter, link_group, toolbox_mount
from nightlab.controller.engine import ContainerSpec, Engine, Limits, Scratch
from nightlab.controller.images.toolbox import Toolbox
from nightlab.controller.plugins.container import ContainerRuntime
from nightlab.controller.plugins.image_plan import ImagePlan
from nightlab.controller.plugins.package_plan import PackagePlan
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.plugins.workload import RUN_DIR, Plan
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir

MiB: Final = 2**20
ROLE: Final = "plugin"
FAREWELL_S: Final = 0.5
SUPERVISOR_PIDS: Final = 48
"""Threads of the supervisor, which the kernel counts with the plugin's."""
TMP_BYTES: Final = 64 * MiB
SHM_BYTES: Final = 16 * MiB
NAME_CHARACTERS: Final = 24


class PluginContainers:
    """Makes one container for each life of a plugin that is not the host's own."""

    def __init__(
        self,
        engine: Engine,
        toolbox: Toolbox,
        state: StateDir,
        study_id: str,
        blobs: BlobStore,
        *,
        runtime: str = "runc",
    ) -> None:
        """Start nothing yet.

        Args:
            engine: That will have them.
            toolbox: Their supervisor and, for packages, all of their image.
            state: Whose they are.
            study_id: Part of their names; `nightlab clean` and a restarted controller find them by it.
            blobs: Take a package's files.
            runtime: `security.runtime` of the config.
        """
        self._engine = engine
        self._toolbox = toolbox
        self._study_id = study_id
        self._blobs = blobs
        self._runtime = runtime
        links = state.study(study_id) / "links"
        self._starter = Starter(engine, blobs, links, farewell_s=FAREWELL_S)

    def runtime(self, source: PluginSource, limits: Plugin) -> ContainerRuntime:
        """Plan the next life of a plugin.

        Args:
            source: Of kind "image" or "package".
            limits: `[plugins.NAME]` of the config.
        """
        plan: Plan
        if source.kind == "image":
            plan = ImagePlan(self._engine, source)
        else:
            assert source.kind == "package", f"{source.kind} plugins run in no container"
            plan = PackagePlan(self._engine, self._toolbox, self._blobs, source)
        return self.planned(source.name, limits, plan)

    def planned(self, plugin: str, limits: Plugin, plan: Plan) -> ContainerRuntime:
        """Plan the next life of a plugin whose plan is made.

        Args:
            plugin: Its name.
            limits: As of `runtime`.
            plan: Says what is started in which image.
        """
        name = container_name(self._study_id, plugin)

        async def spec() -> ContainerSpec:
            return self._spec(name, limits, plan, await plan.image_id())

        return ContainerRuntime(self._engine, self._starter, name, spec, plan)

    def _spec(self, name: str, limits: Plugin, plan: Plan, image_id: str) -> ContainerSpec:
        scratch = (Scratch(RUN_DIR, MiB), *plan.scratch())
        return ContainerSpec(
            name=name,
            image_id=image_id,
            entrypoint=self._toolbox.entrypoint,
            labels=self._engine.labels(self._study_id, role=ROLE),
            limits=Limits(
                memory_bytes=limits.memory + SUPERVISOR_BYTES + sum(each.size_bytes for each in scratch),
                cpus=limits.cpus,
                pids=limits.pids + SUPERVISOR_PIDS,
                shm_bytes=SHM_BYTES,
                tmp_bytes=TMP_BYTES,
            ),
            volumes=(toolbox_mount(self._toolbox),),
            link_dir=str(self._engine.link_dir(name)),
            scratch=scratch,
            runtime=self._runtime,
            group=link_group(self._engine.facts),
        )


def container_name(study_id: str, plugin: str) -> str:
    """Return the name of a plugin's container; a long plugin's name is cut, for a socket's path is short."""
    if len(plugin) > NAME_CHARACTERS:
        plugin = f"{plugin[: NAME_CHARACTERS - 8]}-{hashlib.sha256(plugin.encode()).hexdigest()[:7]}"
    return f"nightlab-{study_id}-{ROLE}-{plugin}"
