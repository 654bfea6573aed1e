"""Divides the machine into the shares that trials run on at the same time: cores of their own, GPUs by UUID."""

from __future__ import annotations

from contextlib import AsyncExitStack

from nightlab.controller.config.schema import Config
from nightlab.controller.engine import (
    Cores,
    Demand,
    Engine,
    GpuPool,
    how_many_fit,
    list_gpus,
    machine_capacity,
    what_is_short,
)
from nightlab.controller.engine.resources import available_cores
from nightlab.controller.errors import ConfigError
from nightlab.controller.model.site import Share


async def shares_for(config: Config, engine: Engine, stack: AsyncExitStack) -> tuple[Share, ...]:
    """Return one share for each trial that may run at a time; GPUs are leased until the stack closes.

    Raises:
        ConfigError: Not even one trial fits, or fewer than `search.parallel`.
    """
    train = config.train
    in_memory = engine.choose_workspace_kind(config.security.workspace) == "tmpfs"
    gpus = [gpu.uuid for gpu in list_gpus()] if train.gpus else []
    capacity = machine_capacity(available_cores(), engine.facts.memory_bytes, len(gpus))
    demand = Demand(train.cpus, train.memory + (train.workspace_size if in_memory else 0), train.gpus)
    short = what_is_short(capacity, demand)
    if short is not None:
        raise ConfigError(short)
    fit = how_many_fit(capacity, demand)
    wanted = config.search.parallel or fit
    if wanted > fit:
        raise ConfigError(f"search.parallel is {wanted} and {fit} trials fit at a time", hint="lower it, or set 0")
    cores = Cores(capacity.cores)
    pool = GpuPool(gpus)
    in_use = await engine.gpus_in_use() if train.gpus else frozenset()
    return tuple(_share(slot, train.cpus, train.gpus, cores, pool, in_use, stack) for slot in range(wanted))


def _share(
    slot: int,
    cpus: float,
    gpus: int,
    cores: Cores,
    pool: GpuPool,
    in_use: frozenset[str],
    stack: AsyncExitStack,
) -> Share:
    if not gpus:
        return Share(slot, cores.acquire(cpus))
    lease = pool.acquire(gpus, in_use)
    if lease is None:
        raise ConfigError(f"slot {slot}: no {gpus} GPUs are free; other studies on this machine use them")
    stack.callback(lease.release)
    return Share(slot, cores.acquire(cpus), lease.uuids)
