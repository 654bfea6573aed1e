"""What the user says of one plugin: where it comes from, what it may see and change, how much it may take."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from nightlab.controller.config.table import Table
from nightlab.controller.config.units import Bytes, Seconds

MiB = 2**20


class Plugin(Table):
    """A plugin of somebody else. Nightlab's own need no table, and may have one only to pass settings.

    Attributes:
        image: Reference of a container image that serves the plugin; it must be on the engine, nothing is pulled at
            night.
        package: Name of an installed Python distribution that advertises the plugin; its files run in a container.
        command: What to start in the image; empty: its ENTRYPOINT and CMD.
        reads: Globs of files that the plugin may be shown; nothing else leaves the host, whatever it declares.
        writes: Globs of files that it may change, besides `train.editable`.
        completion_tokens: Tokens of the language model that it may use in a night, through the host.
        state: Bytes of state that are kept for it.
        memory: Limit of its container.
        cpus: Cores of its container.
        pids: Limit of its processes and threads.
        start_timeout: From the start of its container to its first answer.
        call_timeout: For each later call.
        settings: A table that is handed to its actions.
    """

    image: str = ""
    package: str = ""
    command: str | tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    completion_tokens: int = Field(default=0, ge=0)
    state: Bytes = Field(default=256 * 1024, le=256 * 1024)
    memory: Bytes = 512 * MiB
    cpus: float = Field(default=1.0, gt=0)
    pids: int = Field(default=64, ge=16)
    start_timeout: Seconds = 20.0
    call_timeout: Seconds = 10.0
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Plugin:
        if self.image and self.package:
            raise ValueError("set image or package, not both: a plugin comes from one place")
        if self.command and not self.image:
            raise ValueError("command is what an image runs; a package names its plugin by an entry point")
        return self
