"""Whatever an author's commands do to their sandbox, what was recorded is sealed soon, and nobody is blamed for it."""

from __future__ import annotations

import time

import pytest
from tests.acceptance.test_draft import BASE, Scripted, authored
from tests.acceptance.test_transfer import blob, commit

from nightlab.controller.errors import CommandFailed
from nightlab.controller.model.change import Where
from nightlab.controller.model.trial import Ending
from nightlab.controller.repo.history import History

pytestmark = pytest.mark.docker
EDITED = BASE["train.py"].replace("0.5", "0.25")
SOON_S = 15.0
FILL = (
    "dd if=/dev/zero of=fill; rm train.toml; i=0; while touch f$i; do i=$((i+1)); done; dd if=/dev/zero of=more; true"
)


def facts(outcome):
    return [str(fact) for drift in outcome.gate.drifts for change in drift.explanation.changes for fact in change.facts]


async def test_files_with_holes_are_not_read_to_their_ends(ground):
    took = []

    async def script(draft):
        began = time.monotonic()
        done = await draft.run(
            "for i in $(seq 600); do truncate -s 63M hole$i.py; done; truncate -s 63M train.toml", 20
        )
        took.append(time.monotonic() - began)
        assert len(done.unadopted.paths) == 601
        assert done.unadopted.paths[0] == "train.toml"

    outcome, _ = await authored(ground, script)
    assert (outcome.ending, ground.output(outcome).strip()) == (Ending.FINISHED, "0.5")
    assert took[0] < SOON_S


async def test_an_edit_that_found_no_room_is_proposed_and_nobody_is_blamed_for_it(ground):
    async def script(draft):
        assert (await draft.run(FILL, 20)).exit.code == 0
        with pytest.raises(CommandFailed, match="No space"):
            await draft.write("train.py", EDITED.encode())

    outcome, _ = await authored(ground, script)
    assert (outcome.ending, ground.output(outcome).strip()) == (Ending.FINISHED, "0.25")
    assert [change.path for drift in outcome.gate.drifts for change in drift.explanation.changes] == ["train.toml"]
    assert any(note.startswith("train.py is proposed, but could not be put") for note in outcome.gate.notes)


ODD_NAMES = r"""
import os
for name in ("a\nb.py", "\x1b[31m.py", "*.py", "[a].py", "-rf.py", "\u202e.py", "$(x).py", "x" * 252 + ".py", "\\.py"):
    open(name, "w").write("import os")
open(b"\xff.py", "w").close()
os.mkfifo("pipe.py"); os.symlink("/", "rootlink"); os.symlink("/dev/zero", "zero.py")
os.chmod("train.toml", 0)
for _ in range(40): os.mkdir("d" * 100); os.chdir("d" * 100)
open("f" * 40 + ".py", "w").write("A = 1")
"""


async def test_odd_names_and_kinds_are_told_and_stop_nothing(ground):
    async def script(draft):
        done = await draft.run(["python3", "-c", ODD_NAMES], 20)
        assert done.exit.code == 0, done.output
        (deep,) = (path for path in done.unadopted.paths if path.startswith("ddd"))
        assert len(deep) > 4070
        await draft.run("touch late.py & for i in $(seq 200); do sh -c 'setsid sleep 99 &'; done", 20)

    outcome, _ = await authored(ground, script)
    assert (outcome.ending, ground.output(outcome).strip()) == (Ending.FINISHED, "0.5")
    assert facts(outcome) == ["closed to its reader, or something that is no file stands in its place, train.toml"]
    assert set(outcome.tree.by_path) == set(BASE)


async def test_a_base_content_that_was_changed_on_the_host_is_restored_before_the_author_sees_it(ground):
    tree = ground.tree(BASE)
    seen = []

    async def script(draft):
        seen.append((await draft.run("cat train.py", 10)).output.decode())

    commit(ground, tree)
    blob(ground, tree, "train.py").write_text(BASE["train.py"].replace("0.5", "0.3"))
    outcome = await ground.walk(tree, author=Scripted(History(ground.state.history, ground.blobs), script))
    assert seen == [BASE["train.py"]]
    assert [(d.where, d.explanation.headline) for d in outcome.gate.drifts] == [
        (Where.TRANSFER, "`SCALAR_LR` 0.5 -> 0.3, train.py:1")
    ]
