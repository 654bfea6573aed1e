"""A nightlab plugin with one action: the warm-up as a fraction of the run, whatever its length."""

import re
from typing import Annotated

from nightlab.sdk import Edits, Float, Plugin, Unmet, action


def _steps(ws: Edits) -> int:
    found = re.search(r"(?m)^steps: *(\d+)", ws.text("config.yaml"))
    if found is None or "\nwarmup_steps:" not in ws.text("config.yaml"):
        raise Unmet("config.yaml has no steps followed by warmup_steps", pointer="config.yaml:1")
    return int(found[1])


def _fits(ws: Edits) -> None:
    _steps(ws)


@action(reads=["config.yaml"], check=_fits)
def set_warmup(ws: Edits, fraction: Annotated[float, Float(0.01, 0.5, log=True)] = 0.05) -> str:
    """Warm the learning rate up over this fraction of the steps."""
    steps = _steps(ws)
    warmup = max(1, round(steps * fraction))
    ws.sub("config.yaml", r"(?m)^warmup_steps:[^#\r\n]*?(?=\s*(?:#|$))", f"warmup_steps: {warmup}")
    return f"warmup_steps {warmup} of {steps}"


PLUGIN = Plugin("warm-start", "1.0.0", (set_warmup,))
