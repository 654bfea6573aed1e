"""Actions are tried on dictionaries of files, as the host would call them."""

from __future__ import annotations

from typing import Annotated

import pytest

from nightlab.sdk import Ask, Completion, Context, Edits, Float, Outcome, Plugin, Unmet, action, remember
from nightlab.sdk.testing import BrokenCall, Rejected, apply, ask, check, observe

CONFIG = {"config.yaml": "lr: 0.1\n", "train.py": "x = 1\n", "logo.png": b"\xff\xfe"}


def _has_rate(ws: Edits) -> None:
    if "lr:" not in ws.text("config.yaml"):
        raise Unmet("there is no lr", pointer="config.yaml:1")


@action(reads=["*.yaml", "*.toml"], writes=["config.yaml"], check=_has_rate)
def set_rate(ws: Edits, lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 0.01) -> str:
    """Set the learning rate."""
    assert "train.py" not in ws, "it is given what it reads"
    ws.sub("config.yaml", r"(?m)^lr:.*$", f"lr: {lr}")
    return f"lr {lr}"


@action(reads=["config.yaml"], asks=True)
def rename(ws: Edits, call: Context) -> None:
    """Ask the model for a name."""
    if call.completion is None:
        raise Ask("A name, please.", max_output_tokens=8, resume=b"first")
    ws.write("config.yaml", f"name: {call.completion.text} {call.completion.resume.decode()}\n")


@action(reads=["config.yaml"])
def stray(ws: Edits) -> None:
    """Write where it may not."""
    ws.write("train.py", "x = 2\n")


def test_an_action_is_applied_to_what_it_reads() -> None:
    applied = apply(set_rate, CONFIG, lr=0.5)
    assert applied.files == {**CONFIG, "config.yaml": "lr: 0.5\n"}
    assert (applied.changed, applied.summary) == (("config.yaml",), "lr 0.5")
    assert apply(set_rate, CONFIG).files["config.yaml"] == "lr: 0.01\n"


def test_arguments_and_files_that_do_not_fit_are_told_with_pointers() -> None:
    with pytest.raises(Rejected, match=r"/lr: .*") as refused:
        apply(set_rate, CONFIG, lr=2.0)
    assert refused.value.notes[0].pointer == "/lr"
    with pytest.raises(Rejected, match="/speed"):
        apply(set_rate, CONFIG, speed=1)
    missing = check(set_rate, {"config.yaml": "steps: 3"})
    assert not missing.applicable
    assert missing.notes[0].pointer == "config.yaml:1"
    assert check(set_rate, CONFIG).applicable


def test_a_write_outside_of_what_is_declared_breaks_the_call() -> None:
    with pytest.raises(BrokenCall, match="INTERNAL") as broken:
        apply(stray, CONFIG)
    assert "outside its writes" in str(broken.value.__context__), "the author sees why"


def test_an_action_that_asks_is_called_again_with_the_answer() -> None:
    question = ask(rename, CONFIG)
    assert (question.prompt, question.max_output_tokens) == ("A name, please.", 8)
    applied = apply(rename, CONFIG, completion=Completion("tiny", question.resume))
    assert applied.files["config.yaml"] == "name: tiny first\n"
    with pytest.raises(AssertionError, match="asked nothing"):
        ask(set_rate, CONFIG)


def test_outcomes_are_folded() -> None:
    @remember
    def best(memory: dict[str, float], outcome: Outcome) -> None:
        memory["lr"] = outcome.arguments["lr"] if outcome.status == "succeeded" else memory.get("lr", 0.0)

    plugin = Plugin("learner", "1", (set_rate,), observe=best)
    state = observe(plugin, [Outcome("1", "set_rate", {"lr": 0.2}), Outcome("2", "set_rate", {"lr": 0.9}, "failed")])
    assert best.recall(state) == {"lr": 0.2}
    assert observe(plugin, [Outcome("1", "set_rate", {"lr": 0.2})], state) == state
    with pytest.raises(BrokenCall, match="UNIMPLEMENTED"):
        observe(Plugin("mute", "1", (set_rate,)), [])
