"""What runs is what was sealed, byte for byte, and what would not run is stopped before it is launched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from nightlab.controller.model.trial import Ending
from nightlab.controller.trial.spawn import Live, Spawner, SpawnRequest

pytestmark = pytest.mark.docker
Meddle = Callable[[Live, str], Awaitable[str]]


class Meddled(Live):
    """A container in which somebody writes between the seal and the gate."""

    __slots__ = ("meddle",)

    async def seal(self, tree: Any) -> str:
        return await self.meddle(self, await Live.seal(self, tree))


@dataclass(frozen=True)
class MeddledSpawner:
    """Spawns such containers."""

    spawner: Spawner
    meddle: Meddle

    @asynccontextmanager
    async def spawn(self, request: SpawnRequest) -> AsyncIterator[Live]:
        async with self.spawner.spawn(request) as live:
            meddled = Meddled(live.sandbox, live.container, live.meter, live.posture, live.site)
            object.__setattr__(meddled, "meddle", self.meddle)
            yield meddled


ATTACK = """
import errno, json, os
results = {}
def attempt(name, function, *arguments):
    try: function(*arguments); results[name] = "done"
    except OSError as error: results[name] = errno.errorcode[error.errno]
for path in ("train.py", "pkg/lib.py", "run.sh"):
    attempt(f"write {path}", lambda: open(path, "a"))
    attempt(f"truncate {path}", os.truncate, path, 0)
    attempt(f"mode {path}", os.chmod, path, 0o777)
    attempt(f"unlink {path}", os.unlink, path)
    attempt(f"rename {path}", os.rename, path, "elsewhere.py")
    open("mine", "w").close()
    attempt(f"replace {path}", os.replace, "mine", path)
    attempt(f"times {path}", os.utime, path, (0, 0))
attempt("directory mode", os.chmod, "pkg", 0o777)
attempt("directory rename", os.rename, "pkg", "gone")
attempt("directory remove", os.rmdir, "pkg")
os.mkdir("other")
attempt("directory replace", os.rename, "other", "pkg")
attempt("root", os.rename, "/app", "/nowhere")
open("pkg/shadow.py", "w").close()
open("checkpoint.bin", "w").close()
print(json.dumps(results))
"""
BASE = {"train.py": ATTACK, "pkg/lib.py": "VALUE = 1\n", "run.sh": "exit 0\n"}


async def test_a_run_cannot_change_what_was_sealed_and_what_it_adds_is_reported(ground):
    outcome = await ground.walk(ground.tree(BASE))
    results = ground.told(outcome)
    assert len(results) == 26
    assert set(results.values()) <= {"EACCES", "EPERM", "EROFS", "EBUSY", "ENOTEMPTY", "EEXIST"}, results
    assert outcome.gate.drift == ()
    assert outcome.gate.digest_inside == outcome.gate.digest_outside == ground.tree(BASE).digest
    assert outcome.added_importable == ("pkg/shadow.py",)


@pytest.mark.parametrize("is_told", [False, True], ids=["behind the seal", "told by the seal"])
async def test_a_tree_that_was_changed_after_the_seal_is_not_launched(ground, is_told):
    sealed = {"train.py": "LEARNING_RATE = 0.5\nprint(LEARNING_RATE)\n"}
    changed = ground.tree({"train.py": "LEARNING_RATE = 0.3\nprint(LEARNING_RATE)\n"})

    async def meddle(live: Live, digest: str) -> str:
        inside = await live.sandbox.put_tree(live.site.workspace, changed)
        return inside if is_told else digest

    outcome = await ground.walk(ground.tree(sealed), spawner=MeddledSpawner(ground.spawner, meddle))
    assert outcome.ending is Ending.NOT_AS_SEALED
    assert outcome.gate.drift == ("train.py",)
    assert "train.py differs from what was sealed" in outcome.reason
    assert not (ground.state.root / outcome.log_path).exists()
    assert outcome.usage.train_s == 0


async def test_a_file_that_vanished_after_the_seal_is_not_missed(ground):
    sealed = ground.tree({"train.py": "print(1)\n", "lib.py": "VALUE = 1\n"})

    async def meddle(live: Live, digest: str) -> str:
        await live.sandbox.put_tree(live.site.workspace, ground.tree({"train.py": "print(1)\n"}))
        return digest

    outcome = await ground.walk(sealed, spawner=MeddledSpawner(ground.spawner, meddle))
    assert (outcome.ending, outcome.gate.drift) == (Ending.NOT_AS_SEALED, ("lib.py",))


async def test_a_file_that_was_planted_before_the_launch_is_reported(ground):
    files = {"train.py": "import json\nprint(json.dumps(1))\n"}
    planted = ground.tree({**files, "json.py": "def dumps(value):\n    return 'planted'\n"})

    async def meddle(live: Live, digest: str) -> str:
        await live.sandbox.put_tree(live.site.workspace, planted)
        return digest

    outcome = await ground.walk(ground.tree(files), spawner=MeddledSpawner(ground.spawner, meddle))
    assert "json.py" in outcome.added_importable


async def test_an_undefined_name_is_stopped_where_the_edit_brought_it_and_not_where_the_base_had_it(ground):
    base = {"train.py": "print(1)\n", "notes.py": "def unused():\n    return undefined_before\n"}
    first = await ground.walk(ground.tree(base))
    assert first.ending is Ending.GATE_REJECTED
    known = first.gate.blocking
    assert [(f.code, f.path, f.line) for f in known] == [("F821", "notes.py", 2)]

    as_it_was = await ground.walk(ground.tree(base), base_findings=known)
    assert as_it_was.ending is Ending.FINISHED
    assert as_it_was.gate.inherited == known

    edited = {**base, "train.py": "LR = 0.1\n\nprint(LR * scale)\n"}
    outcome = await ground.walk(ground.tree(edited), base_findings=known)
    assert outcome.ending is Ending.GATE_REJECTED
    assert outcome.reason == "ruff: train.py:3: F821 Undefined name `scale`"
    assert not (ground.state.root / outcome.log_path).exists()
