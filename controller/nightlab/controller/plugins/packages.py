"""Installed Python distributions that advertise plugins, read from their metadata: nothing of them is imported.

Which files of one make the plugin belongs to `package_files`; running them, to its container.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, entry_points
from typing import Final

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from nightlab.controller.actions.registry import BUILT_IN
from nightlab.controller.errors import ConfigError
from nightlab.controller.plugins.asked import FILE_BYTES, FILE_NAME, Asked, from_toml
from nightlab.controller.plugins.package_files import digest_of, files_of
from nightlab.controller.plugins.source import PluginSource

GROUP: Final = "nightlab.plugins"
PYTHON: Final = "3.11"
# What a plugin's container has beside the package itself.
CARRIED: Final = frozenset(
    {"nightlab", "grpcio", "protobuf", "structlog", "libcst", "pyyaml", "ruff", "typing-extensions"}
)
_ENVIRONMENT: Final = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "implementation_name": "cpython",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "extra": "",
}
_TARGET: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,47}")
_OWN: Final = "nightlab"


@dataclass(frozen=True, slots=True)
class Advertised:
    """An entry point of an installed distribution.

    Attributes:
        name: Of the plugin.
        target: "module:attribute".
        distribution: What it is part of.
    """

    name: str
    target: str
    distribution: Distribution

    @property
    def package(self) -> str:
        """The distribution's normal name."""
        return normal(self.distribution.name)


def advertised() -> tuple[Advertised, ...]:
    """List what installed distributions advertise, but nightlab's own, sorted by plugin and distribution."""
    found = [Advertised(each.name, each.value, each.dist) for each in entry_points(group=GROUP) if each.dist]
    others = [
        each for each in found if _NAME.fullmatch(each.name) and each.name not in BUILT_IN and each.package != _OWN
    ]
    return tuple(sorted(others, key=lambda each: (each.name, each.package)))


def package_source(name: str, package: str) -> tuple[PluginSource, Asked]:
    """Resolve a plugin of an installed distribution.

    Args:
        name: Of the plugin, which is that of the entry point.
        package: Of the distribution, in any spelling.

    Raises:
        ConfigError: It is not installed, does not advertise the plugin, or cannot run in a plugin's container.
    """
    entry = _entry(name, package)
    dist = entry.distribution
    _require_carried(name, dist)
    files = files_of(dist, entry.target)
    source = PluginSource(
        name, "package", version=dist.version[:60], digest=digest_of(files), target=entry.target, files=files
    )
    return source, asked_by(source)


def asked_by(source: PluginSource) -> Asked:
    """Read what a package asks for."""
    found = sorted(path for path in source.files if path.rpartition("/")[2] == FILE_NAME)
    if not found:
        return Asked()
    with source.files[found[0]].open("rb") as file:
        return from_toml(file.read(FILE_BYTES).decode(errors="replace"))


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _entry(name: str, package: str) -> Advertised:
    everything = advertised()
    of_package = [each for each in everything if each.package == normal(package)]
    for each in of_package:
        if each.name == name:
            if not _TARGET.fullmatch(each.target):
                raise ConfigError(f"plugins.{name}: its entry point {each.target[:100]!r} is no module:attribute")
            return each
    if of_package:
        names = ", ".join(each.name for each in of_package)
        raise ConfigError(
            f"plugins.{name}.package: {package!r} advertises {names}, not {name}", hint="name the table after one"
        )
    raise ConfigError(
        f"plugins.{name}.package: no installed distribution {package!r} advertises a plugin",
        hint=f"install it into nightlab's environment; it needs an entry point {name!r} of the group {GROUP!r}",
    )


def _require_carried(name: str, dist: Distribution) -> None:
    lacking = sorted(set(_not_carried(dist.requires or [])))
    if lacking:
        raise ConfigError(
            f"plugins.{name}: {dist.name} needs {', '.join(lacking)}, which the container of a package does not have",
            hint=f"build an image that has it and give it an image: plugins.{name}.image instead of package",
        )
    wanted = str(dist.metadata["Requires-Python"] or "") if "Requires-Python" in dist.metadata else ""
    if not _admits(wanted):
        raise ConfigError(
            f"plugins.{name}: {dist.name} needs Python {wanted}; the container of a package has {PYTHON}",
            hint=f"give it an image: plugins.{name}.image instead of package",
        )


def _not_carried(requirements: list[str]) -> Iterator[str]:
    for text in requirements:
        try:
            requirement = Requirement(text)
            is_needed = requirement.marker is None or requirement.marker.evaluate(dict(_ENVIRONMENT))
        except (InvalidRequirement, UndefinedEnvironmentName):
            yield text[:100]
            continue
        if is_needed and normal(requirement.name) not in CARRIED:
            yield requirement.name


def _admits(wanted: str) -> bool:
    try:
        return SpecifierSet(wanted).contains(PYTHON)
    except InvalidSpecifier:
        return False
