"""A plugin that looks well until its edits are wanted: then it floods its log and never answers."""

import os
from typing import Annotated

from nightlab.sdk import Edits, Int, Plugin, action


@action(reads=["config.yaml"])
def promise(ws: Edits, gain: Annotated[int, Int(1, 1000)] = 1) -> None:
    """Make everything better."""
    while True:
        os.write(2, b"x" * 65536)


PLUGIN = Plugin("rude", "0.1", (promise,))
