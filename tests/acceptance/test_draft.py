"""What an author recorded is sealed, and nothing that the author's commands left behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from nightlab.controller.errors import EditRefused
from nightlab.controller.model.change import Where
from nightlab.controller.model.trial import Ending, TrialOutcome
from nightlab.controller.repo.history import History
from nightlab.controller.trial.draft import Draft

pytestmark = pytest.mark.docker
BASE = {"train.py": "SCALAR_LR = 0.5\nprint(SCALAR_LR)\n", "train.toml": "steps = 3\n", "notes.md": "notes\n"}


@dataclass
class Scripted:
    """An author who does what a test says; the history is a real one."""

    history: History
    script: Callable[[Draft], Awaitable[None]]
    parent: str | None = None
    authors: list[str] = field(default_factory=list)

    def record(self, tree, *, author, message):
        self.parent = self.history.commit(
            tree, parent=self.parent, author=author, message=message, at=datetime.now(UTC)
        )
        self.authors.append(author)
        return self.parent

    async def work(self, draft):
        await self.script(draft)


async def authored(ground, script) -> tuple[TrialOutcome, Scripted]:
    author = Scripted(History(ground.state.history, ground.blobs), script)
    return await ground.walk(ground.tree(BASE), author=author), author


async def test_what_is_recorded_is_sealed_and_run(ground):
    async def script(draft):
        await draft.write("train.py", draft.read("train.py").replace(b"0.5", b"0.25"))
        await draft.write("pkg/new.py", b"VALUE = 1\n")
        assert (await draft.run("cat train.py pkg/new.py", 10)).output.count(b"0.25") == 1
        await draft.delete("train.toml")

    outcome, author = await authored(ground, script)
    assert (outcome.ending, ground.output(outcome).strip()) == (Ending.FINISHED, "0.25")
    assert [edit.author for edit in outcome.edits] == author.authors == ["agent"] * 3
    assert outcome.edits[-1].commit == author.parent
    assert outcome.edits[-1].digest == outcome.tree.digest == outcome.gate.digest_inside
    assert set(outcome.tree.by_path) == {"train.py", "pkg/new.py", "notes.md"}
    assert outcome.gate.drifts == ()


async def test_what_a_command_wrote_comes_back_and_only_what_is_adopted_is_sealed(ground):
    async def script(draft):
        done = await draft.run("sed -i s/0.5/0.3/ train.py; echo 'steps = 9' > train.toml; echo log > out.txt", 10)
        assert done.exit.code == 0
        assert done.unadopted.paths == ("train.py", "train.toml", "out.txt")
        assert "-SCALAR_LR = 0.5\n+SCALAR_LR = 0.3" in done.unadopted.diff
        await draft.run("echo 'steps = 77' > train.toml", 10)
        await draft.adopt(["train.toml"], done.unadopted)

    outcome, _ = await authored(ground, script)
    assert ground.output(outcome).strip() == "0.5"
    assert [edit.author for edit in outcome.edits] == ["agent:command"]
    assert ground.blobs.read(outcome.tree.by_path["train.toml"].sha256, 100) == b"steps = 9\n"
    (drift,) = outcome.gate.drifts
    assert (drift.where, drift.is_rolled_back) == (Where.DRAFT, True)
    assert drift.explanation.headline == "`SCALAR_LR` 0.5 -> 0.3, train.py:1"


WATCHER = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
if os.fork(): sys.exit()
os.setsid()
if os.fork(): sys.exit()
open("/tmp/torchinductor", "w").close()
if not os.path.exists("kept.py"): os.link("train.py", "kept.py")
handle = open("train.py", "r+")
while True:
    for path in ("train.py", "kept.py"):
        try:
            text = open(path).read()
            if "0.5" in text or "0.4" in text: open(path, "w").write(text.replace("0.5", "0.3").replace("0.4", "0.3"))
        except OSError: pass
    handle.seek(0); handle.write("SCALAR_LR = 0.3"); handle.flush()
    time.sleep(0.001)
"""
START = "python3 hook.py; until grep -q 0.3 train.py; do :; done"


async def test_a_watcher_that_an_author_started_flips_nothing_that_is_run(ground):
    """It detaches from its command, ignores signals, holds files open and rewrites every write that it sees."""

    async def script(draft):
        await draft.write("hook.py", WATCHER.encode())
        assert (await draft.run(START, 20)).exit.code == 0
        await draft.write("train.py", BASE["train.py"].replace("0.5", "0.4").encode())
        assert (await draft.run(START, 20)).exit.code == 0

    outcome, _ = await authored(ground, script)
    assert (outcome.ending, ground.output(outcome).strip()) == (Ending.FINISHED, "0.4"), outcome.reason
    assert [drift.where for drift in outcome.gate.drifts] == [Where.DRAFT]
    facts = [str(f) for drift in outcome.gate.drifts for change in drift.explanation.changes for f in change.facts]
    assert "`SCALAR_LR` 0.4 -> 0.3, train.py:1" in facts
    assert set(outcome.tree.by_path) == {*BASE, "hook.py"}


async def test_an_edit_is_recorded_before_anything_in_the_sandbox_sees_it(ground):
    seen = []

    async def script(draft):
        await draft.write("first.py", b"A = 1\n")
        with pytest.raises(RuntimeError, match="disk"):
            await draft.write("second.py", b"B = 2\n")
        seen.append((await draft.run("ls *.py", 10)).output)

    author = Scripted(History(ground.state.history, ground.blobs), script)
    plain = author.record

    def record(tree, *, author, message):
        if "second" in message:
            raise RuntimeError("disk full")
        return plain(tree, author=author, message=message)

    author.record = record
    outcome = await ground.walk(ground.tree(BASE), author=author)
    assert seen == [b"first.py\ntrain.py\n"]
    assert "second.py" not in outcome.tree.by_path


async def test_what_may_not_be_edited_is_refused_in_words(ground):
    refused = {}

    async def script(draft):
        for path in ("notes.md", "../out.py", "train.py/sub.py", ".git/config.toml", "/abs.py"):
            try:
                await draft.write(path, b"")
            except EditRefused as error:
                refused[path] = str(error)
        with pytest.raises(EditRefused, match="not in the tree"):
            await draft.delete("gone.py")
        done = await draft.run("ln -s /etc/passwd link.py; echo x >> notes.md", 10)
        for path in ("link.py", "notes.md", "never.py"):
            with pytest.raises(EditRefused):
                await draft.adopt([path], done.unadopted)

    outcome, _ = await authored(ground, script)
    assert refused.keys() == {"notes.md", "../out.py", "train.py/sub.py", ".git/config.toml", "/abs.py"}
    assert "train.editable" in refused["notes.md"]
    assert outcome.edits == ()
    assert ground.output(outcome).strip() == "0.5"


async def test_commands_of_an_author_have_no_network_a_limit_and_bounded_output(ground):
    async def script(draft):
        done = await draft.run("cat /proc/net/dev | wc -l; id -u; yes | head -c 9000000", 20)
        assert done.is_cut
        assert done.output.startswith(b"3\n65531\n")
        assert (await draft.run(["sleep", "60"], 0.5)).exit.timed_out

    await authored(ground, script)
