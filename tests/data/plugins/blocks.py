"""A plugin whose actions write blocks into a script: some work, others break or do not fit; and ways to learn."""

import json
import os
from collections.abc import Sequence
from typing import Annotated

from nightlab.sdk import Context, Edits, Float, Outcome, Plugin, Unmet, action

MARK = "\n\n\ndef main"


@action(reads=["**/*.py"])
def momentum(ws: Edits, share: Annotated[float, Float(0.1, 0.99)] = 0.9) -> str:
    """Keep a share of the last step."""
    _insert(ws, f"MOMENTUM = {share}")
    return f"momentum {share}"


@action(reads=["**/*.py"])
def fragile(ws: Edits, warmup: Annotated[float, Float(1.0, 9.0)] = 3.0) -> str:
    """Warm up; its process dies where there is momentum already."""
    if "MOMENTUM" in ws.text("train.py"):
        os._exit(3)
    _insert(ws, f"WARMUP = {warmup}")
    return f"warmup {warmup}"


@action(reads=["**/*.py"])
def picky(ws: Edits, decay: Annotated[float, Float(1.0, 9.0)] = 3.0) -> str:
    """Decay; does not fit where there is momentum already."""
    if "MOMENTUM" in ws.text("train.py"):
        raise Unmet("there is momentum already")
    _insert(ws, f"DECAY = {decay}")
    return f"decay {decay}"


@action(reads=["**/*.py"])
def dying(ws: Edits, depth: Annotated[float, Float(1.0, 9.0)] = 3.0) -> str:
    """Go deeper; its process dies wherever it is applied."""
    os._exit(4)


@action(reads=["**/*.py"])
def learned(ws: Edits, context: Context, share: Annotated[float, Float(0.1, 0.99)] = 0.9) -> str:
    """Keep a share of the last step, and tell how many trials are known."""
    _insert(ws, f"MOMENTUM = {share}")
    return f"knows {len(json.loads(context.state or b'{}'))}"


@action(reads=["**/*.py"])
def unseeding(ws: Edits) -> str:
    """Take the argument for the seed away."""
    ws.sub("train.py", r'    parser.add_argument\("--seed".*\n', "")
    return "no seed"


def _insert(ws: Edits, line: str) -> None:
    ws.sub("train.py", MARK, f"\n{line}{MARK}", count=1)


def _note(state: bytes, outcomes: Sequence[Outcome]) -> bytes:
    known = json.loads(state or b"{}")
    for each in outcomes:
        times = known.get(each.trial_id, [0])[0] + 1
        known[each.trial_id] = [times, each.status, round(each.gain, 4)]
    return json.dumps(known).encode()


def _die(state: bytes, outcomes: Sequence[Outcome]) -> bytes:
    os._exit(5)


PLUGIN = Plugin("blocks", "1.3", (momentum, fragile, picky, dying, unseeding))
LEARNER = Plugin("blocks", "1.3", (learned,), _note)
FORGETFUL = Plugin("blocks", "1.3", (momentum,), _die)
