"""A controller that dies at a chosen line, as if by a power cut: `python -m tests.acceptance.dying REPO POINT`.

Without a point it runs, or with `resume` goes on with, the same study to its end. Search trials begin only when no
proof of a fix is open, so that two nights can be compared: what is let through does not depend on who is faster.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.acceptance.story import Scene, flip

from nightlab.controller.config.load import load_config
from nightlab.controller.model.trial import Phase
from nightlab.controller.report.silent import Silent
from nightlab.controller.store import ProofKind, Store
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.night import Stop
from nightlab.controller.study.open import run_study
from nightlab.controller.study.proposer import Proposer
from nightlab.controller.study.prover import Prover
from nightlab.controller.study.redress import Redress
from nightlab.controller.study.remaking import Remaking
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.trial.seal import Sealer

When = Callable[..., bool]


def die(*_: object) -> None:
    """End as `kill -9` ends it."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: type, name: str, when: When = lambda *_args, **_facts: True) -> None:
    """Die when a method is about to do its work."""
    plain = getattr(owner, name)

    @functools.wraps(plain)
    def dying(*args: Any, **facts: Any) -> Any:
        if when(*args, **facts):
            die()
        return plain(*args, **facts)

    setattr(owner, name, dying)


def after(owner: type, name: str, when: When = lambda *_args, **_facts: True) -> None:
    """Die when a method has done its work and its caller does not know."""
    plain = getattr(owner, name)

    @functools.wraps(plain)
    def dying(*args: Any, **facts: Any) -> Any:
        done = plain(*args, **facts)
        if when(*args, **facts):
            die()
        return done

    @functools.wraps(plain)
    async def dying_later(*args: Any, **facts: Any) -> Any:
        done = await plain(*args, **facts)
        if when(*args, **facts):
            die()
        return done

    setattr(owner, name, dying_later if asyncio.iscoroutinefunction(plain) else dying)


def _authored(prefix: str) -> When:
    return lambda *_args, **facts: str(facts.get("author", "")).startswith(prefix)


def _blamed(_store: object, *_key: object, **facts: Any) -> bool:
    return bool(facts.get("guilty"))


POINTS: Final[dict[str, Callable[[], None]]] = {
    "smoke": lambda: before(Scribe, "keep_gate"),
    "put back": lambda: after(Sealer, "_put_back"),
    "before it is put back": lambda: before(Sealer, "_put_back"),
    "fix commit": lambda: after(Editor, "commit", _authored("ruff:")),
    "fix row": lambda: after(Scribe, "add_edit", _authored("ruff:")),
    "edit commit": lambda: after(Editor, "commit", _authored("action:")),
    "proof of a fix": lambda: after(Store, "add_proof"),
    "approval": lambda: after(Store, "approve"),
    "attempt gone bad": lambda: before(Redress, "doubts", lambda _s, trial, _o: bool(trial.fixes)),
    "proof of a trial": lambda: after(Store, "add_proof", lambda _s, record: record.kind is ProofKind.TRIAL),
    "guilty": lambda: after(Store, "update_proof", _blamed),
    "quarantine": lambda: after(Store, "quarantine"),
    "taken back": lambda: after(Editor, "commit", _authored("nightlab")),
    "taken back, row": lambda: after(Scribe, "add_edit", _authored("nightlab")),
    "relaunch": lambda: after(Remaking, "take_back"),
    "lost minutes": lambda: before(Prover, "settled", lambda _p, record: record.kind is ProofKind.TRIAL),
    "second attempt": lambda: after(Scribe, "begin_attempt", lambda _s, trial, _h: bool(trial.call and trial.fixes)),
    "verdict": lambda: before(Judge, "settle", lambda _j, trial, _o: bool(trial.fixes)),
}


class Flipping(Silent):
    """Flips the literal once after the seal of the second trial's first attempt."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._study = ""

    def study_started(self, view: Any) -> None:
        self._study = view.id

    def phase(self, number: int, attempt: int, phase: Phase, text: str) -> None:
        if (number, attempt, phase) == (1, 1, Phase.GATING):
            flip(Scene(self._state, f"nightlab-{self._study}-t1-a1", 1).root / "app/train.py")


def hold_proposals() -> None:
    """Let every search trial wait for the proofs of fixes."""
    propose = Proposer.propose

    async def held(self: Proposer, trials: Any) -> Any:
        redress = self._redress
        while any(proof.kind is ProofKind.FIX for proof in (*redress.prover.open(), *redress.prover.proven())):
            await redress.settle()
            if redress.prover.task is not None:
                await asyncio.wait({redress.prover.task})
        return await propose(self, trials)

    Proposer.propose = held  # type: ignore[method-assign]


def main(repo: Path, point: str) -> None:
    """Run, go on, or die."""
    hold_proposals()
    if point in POINTS:
        POINTS[point]()
    resume = "" if point == "resume" else None
    night = run_study(repo, load_config(repo), resume=resume, progress=Flipping(StateDir.of_repo(repo)), stop=Stop())
    view = asyncio.run(night)
    sys.exit(0 if view.state == "finished" else 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
