"""The repo's own settings of linters and formatters, as data: read, cut down to what is harmless, bounded.

Nothing of it is ever run or looked up: what names a file, a command or another config is dropped.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import tomlkit

CONFIG_BYTES: Final = 256 * 1024
MOST_CONFIGS: Final = 50
RUFF_NAMES: Final = ("ruff.toml", ".ruff.toml", "pyproject.toml")
# What says which files are read, what is printed or where something is; none of it changes how one file is fixed.
_RUFF_DROPPED: Final = frozenset(
    {
        *("cache-dir", "exclude", "extend-exclude", "include", "extend-include", "force-exclude", "required-version"),
        *("respect-gitignore", "fix", "fix-only", "show-fixes", "output-format", "output-file", "extension", "analyze"),
    }
)


def ruff_configs(repo_config: Mapping[str, bytes]) -> Mapping[str, str]:
    """Return path -> TOML text of ruff's configs as they may lie in a workshop, harmless.

    Args:
        repo_config: Contents of the repo's config files by path; others than ruff's are passed over.
    """
    found: dict[str, str] = {}
    names = {path for path in repo_config if PurePosixPath(path).name in RUFF_NAMES}
    for path in sorted(names, key=lambda path: (path.count("/"), path))[:MOST_CONFIGS]:
        table = read_toml(repo_config[path])
        cut = _pyproject(table, path, names) if path.endswith("pyproject.toml") else _harmless(table, path, names)
        if cut or not path.endswith("pyproject.toml"):
            found[path] = tomlkit.dumps(cut)
    return found


def section(repo_config: Mapping[str, bytes], tool: str) -> Mapping[str, Any]:
    """Return the settings of a Python tool: [tool.NAME] of pyproject.toml, else its section of setup.cfg and kin.

    Keys have underscores; values of .cfg files are text.
    """
    table = read_toml(repo_config.get("pyproject.toml", b"")).get("tool", {})
    found = table.get(tool, {}) if isinstance(table, dict) else {}
    if not isinstance(found, dict) or not found:
        found = _from_ini(repo_config, tool)
    return {str(key).replace("-", "_"): value for key, value in found.items()}


def read_toml(content: bytes) -> dict[str, Any]:
    """Read a table; an unreadable or huge one is empty."""
    try:
        return tomllib.loads(content.decode()) if len(content) <= CONFIG_BYTES else {}
    except (ValueError, RecursionError):
        return {}


def _pyproject(table: dict[str, Any], path: str, names: set[str]) -> dict[str, Any]:
    tools, project = table.get("tool"), table.get("project")
    ruff = tools.get("ruff") if isinstance(tools, dict) else None
    cut: dict[str, Any] = {"tool": {"ruff": _harmless(ruff, path, names)}} if isinstance(ruff, dict) else {}
    wanted = project.get("requires-python") if isinstance(project, dict) else None
    if isinstance(wanted, str):
        cut["project"] = {"name": "repo", "version": "0", "requires-python": wanted}
    return cut


def _harmless(table: dict[str, Any], path: str, names: set[str]) -> dict[str, Any]:
    kept = {key: value for key, value in table.items() if key not in _RUFF_DROPPED}
    base = kept.pop("extend", None)
    if isinstance(base, str) and str(PurePosixPath(path).parent / base) in names and ".." not in base:
        kept["extend"] = base
    if isinstance(kept.get("src"), list):
        kept["src"] = [each for each in kept["src"] if isinstance(each, str) and _is_inside(each)]
    return kept


def _is_inside(path: str) -> bool:
    return not path.startswith(("/", "~")) and ".." not in path and "$" not in path


def _from_ini(repo_config: Mapping[str, bytes], tool: str) -> Mapping[str, str]:
    for path, name in _ini_places(tool):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(repo_config.get(path, b"")[:CONFIG_BYTES].decode())
        except (configparser.Error, ValueError):
            continue
        if parser.has_section(name):
            return dict(parser.items(name))
    return {}


def _ini_places(tool: str) -> list[tuple[str, str]]:
    places = [(f".{tool}.cfg", "settings"), (f".{tool}.cfg", tool)]
    shared = ("setup.cfg", "tox.ini", ".editorconfig") if tool == "isort" else ("setup.cfg", "tox.ini")
    names = (tool, f"tool:{tool}", *(("pycodestyle", "flake8") if tool == "autopep8" else ()))
    return places + [(path, name) for path in shared for name in names]
