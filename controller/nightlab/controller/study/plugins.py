"""What a study holds of its plugins: which ones take part, the state that each one keeps, and what each was told.

A plugin that learns is told how the trials of its own actions ended, at least once each: its new state and the trials
in it are one row, so a killed night tells again what was not stored. What a plugin breaks here costs it a break, and
never a trial.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog

from nightlab.controller.actions.host import ActionHost
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import PluginError
from nightlab.controller.store import PluginRecord, Store, TrialRecord
from nightlab.controller.study.outcomes import Outcomes, is_told
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.text import inert

log: Final = structlog.get_logger()
BATCH: Final = 100  # outcomes in one call
NOTICE_CHARS: Final = 4000
PATIENCE_S: Final = 10.0  # that the night waits; a plugin that takes longer is told while it goes on


class PluginStates(Mapping[str, bytes]):
    """The states of a study's plugins, as they are sent with every call."""

    def __init__(self, store: Store, study_id: str) -> None:
        self._store = store
        self._study_id = study_id
        self._known = {record.plugin: record for record in store.plugins(study_id)}

    def __getitem__(self, plugin: str) -> bytes:
        """Return a plugin's state; empty before it has one.

        Raises:
            KeyError: The study has no such plugin yet.
        """
        return self._known[plugin].state

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def record(self, plugin: str) -> PluginRecord:
        """Return a plugin's row."""
        return self._known.get(plugin) or PluginRecord(self._study_id, plugin)

    def add(self, plugin: str, *, version: str, digest: str, stopped: str) -> None:
        """Write what a plugin is and whether it is left out."""
        self._store.add_plugin(self._study_id, plugin, version=version, digest=digest, stopped=stopped)
        self._known[plugin] = replace(self.record(plugin), version=version, digest=digest, stopped=stopped)

    def keep(self, plugin: str, state: bytes, told: Sequence[int]) -> None:
        """Write a plugin's new state and the further trials that it holds."""
        every = tuple(sorted({*self.record(plugin).told, *told}))
        self._store.keep_plugin_state(self._study_id, plugin, state, every)
        self._known[plugin] = replace(self.record(plugin), state=state, told=every)


class PluginBook:
    """Keeps the rows of one study's plugins and tells those that learn."""

    def __init__(self, config: Config, scribe: Scribe, actions: ActionHost, states: PluginStates) -> None:
        self._config = config
        self._scribe = scribe
        self._actions = actions
        self._states = states
        self._refused: dict[str, frozenset[int]] = {}
        self._noted: set[str] | None = None
        self._task: asyncio.Task[None] | None = None

    async def tell(self) -> None:
        """Tell every plugin that learns what it was not told yet; returns after PATIENCE_S at the latest."""
        self.note()
        if self._task is None:
            self._task = asyncio.create_task(self._tell_all(), name="plugins-told")
        done, _ = await asyncio.wait({self._task}, timeout=PATIENCE_S)
        if done:
            task, self._task = self._task, None
            task.result()

    async def close(self) -> None:
        """End what is being told; it is told again in the next sitting."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._task = None
        self.note()

    def note(self) -> None:
        """Write which plugins take part, which were left out since, and what a person should know of them."""
        for plugin, (version, digest) in self._actions.identities().items():
            stopped = self._actions.stopped.get(plugin, "")
            known = self._states.record(plugin)
            if plugin not in self._states or (known.version, known.digest, known.stopped) != (version, digest, stopped):
                self._states.add(plugin, version=version, digest=digest, stopped=stopped)
        if self._noted is None:  # a later sitting need not repeat what an earlier one told
            self._noted = {event.text for event in self._scribe.store.events(self._scribe.study_id)}
        for notice in self._actions.notices:
            text = inert(notice, NOTICE_CHARS, keep_lines=True)
            if text not in self._noted:
                self._noted.add(text)
                self._scribe.note("plugin", text)
                log.info("plugin.notice", text=text)

    async def _tell_all(self) -> None:
        learners = self._actions.learners()
        if not learners:
            return
        trials = self._scribe.trials()
        due = {plugin: self._due(plugin, trials) for plugin in sorted(learners)}
        outcomes = Outcomes(self._config, self._scribe, trials) if any(due.values()) else None
        if outcomes is not None:
            await asyncio.gather(*(self._tell(plugin, numbers, outcomes) for plugin, numbers in due.items()))

    def _due(self, plugin: str, trials: Sequence[TrialRecord]) -> tuple[int, ...]:
        """Return the trials that a plugin was not told of; none that it just refused, before there is a further one."""
        told = set(self._states.record(plugin).told)
        own = (t for t in trials if t.call is not None and t.call.plugin == plugin and is_told(t))
        due = tuple(t.number for t in own if t.number not in told)
        return () if frozenset(due) == self._refused.get(plugin) else due

    async def _tell(self, plugin: str, numbers: Sequence[int], outcomes: Outcomes) -> None:
        for first in range(0, len(numbers), BATCH):
            batch = numbers[first : first + BATCH]
            try:
                told = [outcomes.of(number) for number in batch]
                state = await self._actions.observe(plugin, told, self._states.get(plugin, b""))
            except PluginError as error:
                log.warning("plugin.not_told", plugin=plugin, trials=len(batch), reason=str(error))
                self._refused[plugin] = frozenset(numbers[first:])
                return
            self._states.keep(plugin, state, batch)
