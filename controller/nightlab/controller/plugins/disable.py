"""Takes a plugin out of nightlab.toml, whose comments and order stay as they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from nightlab.controller.config.load import FILE_NAME
from nightlab.controller.errors import ConfigError


def disable_plugin(repo: Path, name: str) -> tuple[str, ...]:
    """Remove a plugin's actions from `search.actions`; its table stays, so that it is enabled again by its name alone.

    Args:
        repo: With the nightlab.toml.
        name: Of the plugin.

    Returns:
        The entries that were removed, as they were written.

    Raises:
        ConfigError: The file cannot be read or written, does not enable the plugin, or enables nothing else.
    """
    path = repo / FILE_NAME
    document = _read(path)
    search = document.get("search")
    actions = search.get("actions") if isinstance(search, dict) else None
    actions = actions if isinstance(actions, list) else []
    written = [str(each) for each in actions]
    gone = [each for each in written if each.partition("/")[0] == name]
    if not gone:
        raise ConfigError(
            f"{path}: search.actions does not enable {name}", hint="`nightlab plugin list` shows what does"
        )
    if len(gone) == len(written):
        raise ConfigError(
            f"{path}: search.actions enables nothing but {name}", hint="enable another plugin first, or edit the file"
        )
    for each in gone:
        actions.remove(each)
    _write(path, tomlkit.dumps(document))
    return tuple(gone)


def _read(path: Path) -> Any:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint="`nightlab init` writes one") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
