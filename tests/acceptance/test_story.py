"""The story that must never repeat: `SCALAR_LR` is flipped between the commit and the launch, in every way there is.

One night meets all of them, one trial each. Nothing is trained on 0.3, everybody is told what and who, and the night
goes on to its end.
"""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Iterator

import pytest
from tests.acceptance.conftest import NIGHTLAB, _remove
from tests.acceptance.story import (
    FLIPPED,
    TRAIN,
    Meddler,
    StoryNight,
    asked_for,
    flip,
    flip_inside,
    run_night,
    tool,
    write_repo,
)

from nightlab.controller.cli.report import write_report
from nightlab.controller.model.change import Where
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import Phase
from nightlab.controller.report.view import StudyState
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.trial.draft import Draft

pytestmark = pytest.mark.docker
WATCHER = """
import os, sys, time
if os.fork(): sys.exit()
os.setsid()
if os.fork(): sys.exit()
while True:
    try:
        text = open("train.py").read()
        if "LR = 0.5" in text: open("train.py", "w").write(text.replace("LR = 0.5", "LR = 0.3"))
    except OSError: pass
    time.sleep(0.001)
"""


async def hooked(draft: Draft) -> None:
    """An agent that installs a hook; its next edit of train.py triggers it."""
    own = draft.read("train.py")
    await draft.run(["/bin/sh", "-c", f"cat > /tmp/hook.py <<'END'{WATCHER}END\n"], 10)
    await draft.write("train.py", own.replace(b"STEPS = 60", b"STEPS = 61"))
    await draft.write("train.py", own)
    done = await draft.run("python3 /tmp/hook.py; until grep -q 'LR = 0.3' train.py; do :; done", 20)
    assert done.exit.code == 0
    assert "+SCALAR_LR = 0.3" in done.unadopted.diff


MEDDLERS = {
    "nobody": Meddler(Phase.PLANNED),
    "host side, before a proposal": Meddler(Phase.COLLECTING, lambda scene: flip(scene.blob)),
    "who is told of that": Meddler(Phase.PLANNED),
    "inside the container": Meddler(Phase.GATING, flip_inside),
    "host side of the transfer": Meddler(Phase.SEALING, lambda scene: flip(scene.blob)),
    "after the seal, from outside": Meddler(Phase.GATING, lambda scene: flip(scene.root / "app/train.py")),
    "after the seal, in the volume": Meddler(Phase.GATING, lambda scene: flip(scene.volume / "train.py")),
    "a hook of the author's edit": Meddler(Phase.PLANNED, works=hooked),
    "ruff": Meddler(
        Phase.GATING, tool("ruff", "check", "--isolated", "--quiet", "--select", "PLR1730", "--fix", "--no-cache")
    ),
    "black": Meddler(Phase.GATING, tool("black", "-q")),
}
WHERE = {
    "who is told of that": Where.TRANSFER,
    "inside the container": Where.SEALED,
    "host side of the transfer": Where.TRANSFER,
    "after the seal, from outside": Where.SEALED,
    "after the seal, in the volume": Where.SEALED,
    "a hook of the author's edit": Where.DRAFT,
}


@pytest.fixture(scope="module")
def night(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoryNight]:
    repo = tmp_path_factory.mktemp("story") / "repo"
    write_repo(repo, image, trials=4)
    try:
        yield run_night(repo, MEDDLERS)
    finally:
        asyncio.run(_remove(StateDir.of_repo(repo).root))


def test_every_flip_happened_and_the_night_went_on_to_its_end(night: StoryNight) -> None:
    assert set(night.told.at) == set(MEDDLERS)
    assert night.view.state is StudyState.FINISHED
    verdicts = {trial.number: trial.verdict for trial in night.view.trials}
    assert None not in verdicts.values()
    assert {Verdict.VOID, Verdict.LOST, Verdict.CRASH, Verdict.REJECTED}.isdisjoint(verdicts.values()), verdicts
    assert Verdict.KEEP in verdicts.values(), verdicts
    assert all(trial.attempts == 1 for trial in night.view.trials)


def test_nothing_was_trained_on_the_wrong_value(night: StoryNight) -> None:
    logs = night.logs()
    assert len(logs) == len(night.view.trials)
    assert {text.splitlines()[0] for text in logs.values()} == {"lr: 0.5"}


@pytest.mark.parametrize("name", WHERE)
def test_everybody_is_told_what_was_flipped_where_and_that_nobody_known_did_it(night: StoryNight, name: str) -> None:
    number = night.told.at[name]
    trial = night.view.trial(number)
    assert trial is not None
    assert trial.gate is not None
    (drift,) = trial.gate.drifts
    assert (drift.where, drift.is_rolled_back) == (WHERE[name], True)
    assert (drift.explanation.headline, drift.explanation.author) == (FLIPPED, "unknown")
    told = f"trial {number}: {FLIPPED}, {drift.where.value}, by unknown: rolled back, it did not run"
    assert told in night.told.notes
    assert any(FLIPPED in line for line in night.asked[-1]), "the policy"
    shown = asked_for(night.repo, NIGHTLAB, "trial", "show", str(number))
    assert FLIPPED in " ".join(shown.split())
    assert "unknown" in shown


def test_the_reports_name_the_literal_its_line_and_its_writer(night: StoryNight) -> None:
    page, text = (path.read_text() for path in write_report(night.view, night.repo))
    known = json.loads(asked_for(night.repo, NIGHTLAB, "report", "--json"))
    drifts = [drift for trial in known["trials"] for drift in (trial["gate"] or {}).get("drifts", ())]
    assert sum(FLIPPED.split(",")[0] in json.dumps(drift) for drift in drifts) == len(WHERE)
    for said in (html.unescape(page), text):
        assert said.count(FLIPPED) >= len(WHERE)
        assert "writer: unknown (no known tool makes this change)" in said
        assert "ruff:PLR1730" in said
        assert "black" in said


@pytest.mark.parametrize(("name", "author"), [("ruff", "ruff:PLR1730"), ("black", "formatter:ruff format")])
def test_a_real_tool_is_named_by_its_rule(night: StoryNight, name: str, author: str) -> None:
    trial = night.view.trial(night.told.at[name])
    assert trial is not None
    assert trial.gate is not None
    (drift,) = trial.gate.drifts
    assert drift.is_rolled_back
    assert drift.explanation.author == author
    (writer,) = drift.explanation.writers
    assert name in (writer.tool.split()[0], *writer.also)  # two formatters may make the very same


def test_what_the_users_repo_holds_is_what_it_held(night: StoryNight) -> None:
    assert (night.repo / "train.py").read_text() == TRAIN
