"""Opens the plugins of a study or an onboarding: what the config names, resolved on one engine, each where it runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from nightlab.controller.actions.host import NO_STATES, ActionHost
from nightlab.controller.config.schema import Config
from nightlab.controller.engine import Engine
from nightlab.controller.images.toolbox import Toolbox
from nightlab.controller.plugins.catalog import Catalog
from nightlab.controller.plugins.containers import PluginContainers
from nightlab.controller.plugins.hosting import action_host
from nightlab.controller.plugins.images import inspecting
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir


@asynccontextmanager
async def opened_plugins(
    config: Config,
    engine: Engine,
    toolbox: Toolbox,
    state: StateDir,
    study_id: str,
    *,
    blobs: BlobStore,
    states: Mapping[str, bytes] = NO_STATES,
) -> AsyncIterator[ActionHost]:
    """Start the plugins that a config enables and end them again.

    Args:
        config: Names them.
        engine: Has their images and their containers.
        toolbox: Is what contained ones start with.
        state: Of the repo; nightlab.toml and the lock lie beside it.
        study_id: Whose containers they are.
        blobs: Takes the files of packages.
        states: Of plugins by name, read at each call.

    Raises:
        ConfigError: One is not there, is not enabled, or lacks an action that is named.
        PluginError: None is left of those that are enabled.
        EngineError: The engine does not answer.
    """
    catalog = Catalog(config, inspect=inspecting(engine.client), env=os.environ)
    resolved = await asyncio.to_thread(catalog.enabled)
    containers = PluginContainers(engine, toolbox, state, study_id, blobs, runtime=config.security.runtime)
    host = action_host(
        config, resolved, folder=state.repo, state_dir=state.root, contain=containers.runtime, states=states
    )
    try:
        await host.open()
        yield host
    finally:
        await host.close()
