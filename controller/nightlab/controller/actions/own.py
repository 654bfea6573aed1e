"""Nightlab's own plugins in their shared worker, and what every plugin is told of the user's settings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from nightlab.controller.actions.registry import BUILT_IN, enabled
from nightlab.controller.actions.shared import SharedProcess
from nightlab.controller.actions.worker import PluginWorker
from nightlab.controller.config.schema import Config


def own_workers(config: Config, names: Collection[str] | None = None) -> dict[str, PluginWorker]:
    """Return workers of nightlab's own plugins by name; they share a process.

    Args:
        config: Of the study.
        names: Of those plugins; None: what the config enables, which must be nightlab's own.

    Raises:
        ConfigError: It enables others.
    """
    chosen = sorted(names) if names is not None else [each.plugin for each in enabled(config)]
    process = SharedProcess({name: BUILT_IN[name] for name in chosen})
    return {name: PluginWorker(name, partial(process.runtime, name)) for name in chosen}


def settings_json(config: Config, own: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Write the user's word on literals and files as the actions get it.

    Args:
        config: Of the study.
        own: A plugin's own settings, that stand beside it.
    """
    tunable = {
        name: word.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        for name, word in config.search.tunable.items()
    }
    return json.dumps(
        {
            **own,
            "frozen": list(config.search.frozen),
            "tunable": tunable,
            "editable": list(config.train.editable),
            "protected": list(config.train.protected),
        },
        sort_keys=True,
    )
