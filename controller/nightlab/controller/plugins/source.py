"""Where one plugin comes from, resolved: what is started, and the digest that a lock pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["built-in", "package", "image", "attached"]


@dataclass(frozen=True, slots=True)
class PluginSource:
    """One plugin that can be started.

    Attributes:
        name: As in the config, and as it must call itself.
        kind: "built-in" runs in the host's worker, "package" and "image" in a container of their own, "attached" is
            somebody's process under a debugger.
        version: Of the distribution or the image's label; for people.
        digest: What it is made of: a package's tree digest or an image's id; empty for "built-in" and "attached".
        target: "module:attribute" of a built-in or a package.
        files: Of a package: path below the import root -> file on the host.
        image_id: Of an image.
        command: What to start in the image; empty: its ENTRYPOINT and CMD.
        socket: Of an attached plugin.
    """

    name: str
    kind: Kind
    version: str = ""
    digest: str = ""
    target: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)
    image_id: str = ""
    command: tuple[str, ...] = ()
    socket: str = ""
