"""Starts plugins outside of a study, each where it would run in one, to hear what they say of themselves."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nightlab.api.params import load_object
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.host import ActionHost
from nightlab.controller.config.schema import Config
from nightlab.controller.engine import Engine
from nightlab.controller.errors import PluginError
from nightlab.controller.images.toolbox import ensure_toolbox
from nightlab.controller.plugins.admission import Comparing
from nightlab.controller.plugins.catalog import Catalog, Resolved
from nightlab.controller.plugins.containers import PluginContainers
from nightlab.controller.plugins.hosting import Contain, action_host, grant_of
from nightlab.controller.plugins.images import Inspect, inspecting
from nightlab.controller.plugins.lock import Lock, Pin
from nightlab.controller.plugins.packages import advertised
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.text import inert

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ActionAnswer:
    """One action. Texts are the plugin's, made inert.

    Attributes:
        name: Of the action.
        title: A few words.
        description: For people and models.
        schema: Its parameters; those of some actions depend on the repo.
        reads: Globs that it asks to be shown.
        writes: Globs that it asks to change.
        lacking: What of that the user's grant does not cover: "reads src/**".
        effects: Where it expects quantities to go: "peak_memory down".
    """

    name: str
    title: str
    description: str
    schema: Mapping[str, Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    lacking: tuple[str, ...]
    effects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PluginAnswer:
    """What one plugin said.

    Attributes:
        resolved: What was started.
        version: As it calls itself.
        actions: What it lists.
        difference: From the lock, as a diff; empty if there is none, or if it needs no lock.
        pin: What the lock would hold of it; None if it needs none.
        is_new: The lock has nothing of it yet.
        problem: Why it said nothing.
    """

    resolved: Resolved
    version: str = ""
    actions: tuple[ActionAnswer, ...] = ()
    difference: str = ""
    pin: Pin | None = None
    is_new: bool = False
    problem: str = ""

    @property
    def name(self) -> str:
        """Of the plugin."""
        return self.resolved.source.name


async def interview(config: Config, repo: Path, names: Sequence[str], note: Note) -> tuple[PluginAnswer, ...]:
    """Start plugins and ask each for its actions.

    Args:
        config: With their tables; whether they are enabled does not matter.
        repo: Where nightlab.toml and the lock lie.
        names: Of the plugins.
        note: Is told what takes time.

    Raises:
        ConfigError: One is not there.
        EngineError: One runs in a container, and no engine answers.
    """
    search = config.search.model_copy(update={"actions": tuple(names)})
    asked = config.model_copy(update={"search": search})
    lock = Lock(repo)
    async with _ground(_needs_engine(asked, names), asked, note) as (inspect, contain, folder):
        resolved = await asyncio.to_thread(Catalog(asked, inspect=inspect, env=os.environ).enabled)
        comparing = Comparing(lock, {each.source.name: each.source for each in resolved})
        host = action_host(asked, resolved, folder=repo, state_dir=folder, contain=contain, admission=comparing)
        try:
            failure = await _opened(host)
            heard = (_answer(each, host, comparing, asked, failure) for each in resolved if each.source.name in names)
            return tuple(replace(each, is_new=each.pin is not None and lock.of(each.name) is None) for each in heard)
        finally:
            await host.close()


async def _opened(host: ActionHost) -> str:
    try:
        await host.open()
    except PluginError as error:  # it is the only one
        return str(error)
    return ""


def _answer(each: Resolved, host: ActionHost, comparing: Comparing, config: Config, failure: str) -> PluginAnswer:
    name = each.source.name
    if problem := host.stopped.get(name, failure):
        return PluginAnswer(each, problem=inert(problem, 4000, keep_lines=True))
    version, _ = host.identities()[name]
    actions = tuple(_action(action, name, each, config) for action in host.actions()[name].values())
    difference, pin = comparing.differences.get(name, ""), comparing.pins.get(name)
    return PluginAnswer(each, inert(version, 60), actions, difference, pin)


def _action(action: pb.Action, plugin: str, each: Resolved, config: Config) -> ActionAnswer:
    lacks = () if each.source.kind == "built-in" else grant_of(config, plugin).lacks(action.reads, action.writes)
    return ActionAnswer(
        inert(action.name, 60),
        inert(action.title, 200),
        inert(action.description, 4096, keep_lines=True),
        load_object(action.parameters_schema or "{}"),
        tuple(inert(glob, 200) for glob in action.reads),
        tuple(inert(glob, 200) for glob in action.writes),
        tuple(inert(lack, 200) for lack in lacks),
        tuple(
            f"{inert(effect.quantity, 60)} {pb.Direction.Name(effect.direction).removeprefix('DIRECTION_').lower()}"
            for effect in action.effects
        ),
    )


def _needs_engine(config: Config, names: Sequence[str]) -> bool:
    """Tell whether one may run in a container; one that is only installed is refused later, with what to write."""
    installed = {each.name for each in advertised()}
    return any(name in config.plugins and (config.plugins[name].image or name in installed) for name in names)


@asynccontextmanager
async def _ground(
    needs_engine: bool, config: Config, note: Note
) -> AsyncIterator[tuple[Inspect | None, Contain | None, Path]]:
    """Give what contained plugins need, for as long as they are asked; nothing of it stays on the engine."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightlab-plugins-")))
        if not needs_engine:
            yield None, None, folder
            return
        state = StateDir.of_repo(folder)
        state.create()
        engine = await Engine.open(state.root)
        stack.push_async_callback(leave_nothing, engine, note)
        toolbox = await asyncio.to_thread(ensure_toolbox, engine.client, progress=note)
        study_id = f"ask-{secrets.token_hex(3)}"
        containers = PluginContainers(
            engine, toolbox, state, study_id, BlobStore(state.blobs), runtime=config.security.runtime
        )
        yield inspecting(engine.client), containers.runtime, folder


async def leave_nothing(engine: Engine, note: Note) -> None:
    """Remove what is left of a state directory on the engine, and close the connections."""
    try:
        for line in await engine.remove_leftovers(await engine.leftovers()):
            note(line)
    finally:
        await engine.close()
