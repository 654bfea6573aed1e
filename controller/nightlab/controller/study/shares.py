"""Divides the machine into the shares that trials run on at the same time: cores of their own, GPUs by UUID."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from nightlab.controller.config.schema import Config
from nightlab.controller.engine import (
    Cores,
    Demand,
    Engine,
    GpuLease,
    GpuPool,
    how_many_fit,
    list_gpus,
    machine_capacity,
    what_is_short,
)
from nightlab.controller.engine.resources import available_cores
from nightlab.controller.errors import ConfigError
from nightlab.controller.model.site import Share
from nightlab.controller.store import AttemptRecord


async def shares_for(
    config: Config, engine: Engine, stack: AsyncExitStack, adopted: Sequence[AttemptRecord] = ()
) -> tuple[Share, ...]:
    """Return one share for each trial that may run at a time; GPUs are leased until the stack closes.

    Args:
        config: The study's.
        engine: Says what the machine has.
        stack: Gives the leases back.
        adopted: Attempts that run already; each keeps its slot, its cores and its GPUs.

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
    in_use = await engine.gpus_in_use() if train.gpus else frozenset()
    divider = _Divider(config, Cores(capacity.cores), GpuPool(gpus), in_use, stack)
    held = {attempt.slot: divider.held(attempt) for attempt in adopted}
    return tuple(held.get(slot) or divider.new(slot) for slot in range(max(wanted, *(s + 1 for s in held), 1)))


class _Divider:
    """Hands out cores and GPUs, what adopted attempts hold before anything new."""

    def __init__(
        self, config: Config, cores: Cores, pool: GpuPool, in_use: frozenset[str], stack: AsyncExitStack
    ) -> None:
        self._train = config.train
        self._cores = cores
        self._pool = pool
        self._in_use = in_use
        self._stack = stack

    def held(self, attempt: AttemptRecord) -> Share:
        cpuset = str(attempt.resources.get("cpuset", ""))
        uuids = tuple(attempt.resources.get("gpu_uuids", ()))
        self._cores.adopt(cpuset)
        return Share(attempt.slot, cpuset, self._lease(attempt.slot, self._pool.reacquire(uuids)) if uuids else ())

    def new(self, slot: int) -> Share:
        gpus = self._train.gpus
        uuids = self._lease(slot, self._pool.acquire(gpus, self._in_use)) if gpus else ()
        return Share(slot, self._cores.acquire(self._train.cpus), uuids)

    def _lease(self, slot: int, lease: GpuLease | None) -> tuple[str, ...]:
        if lease is None:
            raise ConfigError(
                f"slot {slot}: fewer than {self._train.gpus} GPUs are free; other studies on this machine use them"
            )
        self._stack.callback(lease.release)
        return lease.uuids
