"""The host's side with its real worker: lazy, confined, replaced when it breaks, never without an answer."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from nightlab.controller.errors import ExplainFailed
from nightlab.controller.explain import answers
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.model.change import Effect

DEEP = b"x = " + b"-" * 200_000 + b"1\n"


@pytest.fixture
async def explainer():
    async with Explainer() as made:
        yield made


def of_process(pid: int | None, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


async def test_worker_starts_with_the_first_question_and_ends_with_the_last(explainer):
    assert explainer.pid is None
    (change,) = await explainer.changes({"m.py": b"LR = 0.5\n"}, {"m.py": b"LR = 0.3\n"})
    assert str(change.facts[0]) == "`LR` 0.5 -> 0.3, m.py:1"
    assert change.diff == "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-LR = 0.5\n+LR = 0.3\n"
    child = Path(f"/proc/{explainer.pid}")
    folder = (child / "cwd").readlink()
    await explainer.close()
    assert [path for path in (child, folder) if path.exists()] == []


async def test_worker_is_confined(explainer):
    await explainer.reads_itself({})
    status, limits = (of_process(explainer.pid, name) for name in ("status", "limits"))
    assert "NoNewPrivs:\t1" in status
    assert status.split("CapEff:\t")[1].split()[0] == "0" * 16
    assert limits.split("Max file size")[1].split()[0] == str(64 * 2**20)
    assert limits.split("Max address space")[1].split()[0] == str(2 * 2**30)
    if os.geteuid() == 0:
        assert Path(f"/proc/{explainer.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


async def test_hang_is_ended_at_its_deadline_and_told_by_size():
    async with Explainer(call_s=0.2) as explainer:
        await explainer.reads_itself({})
        hanging = explainer.pid
        os.kill(hanging, signal.SIGSTOP)
        told = await explainer.explain({"m.py": b"x = 1\n"}, {"m.py": b"x = 2\n"})
        assert told.changes[0].facts[0].text == "6 bytes, sha256 9e26bf36 -> 4205c480 (could not be read as a program)"
        assert told.effect is Effect.BEHAVIOUR
        assert told.notes[0].startswith("m.py is told by its size alone: the explaining worker did not answer within")
        assert explainer.pid != hanging


async def test_files_are_asked_for_one_by_one_after_a_break():
    async with Explainer() as explainer:
        await explainer.reads_itself({})
        asked = asyncio.create_task(
            explainer.changes({"a.py": b"x = 1\n", "b.toml": b"lr = 1\n"}, {"a.py": b"x = 2\n", "b.toml": b"lr = 2\n"})
        )
        os.kill(explainer.pid, signal.SIGKILL)
        assert [str(change.facts[0]) for change in await asked] == ["`x` 1 -> 2, a.py:1", "`lr` 1 -> 2, b.toml:1"]


HOSTILE = {
    "minus.py": b"x = " + b"-" * 20_000 + b"1\n",
    "null.py": b"x = 1\0\n",
    "bytes.py": b"x = '\xff\xfe'\n",
    "codec.py": b"# coding: rot13\nk = 1\n",
    "digits.py": b"x = " + b"9" * 100_000 + b"\n",
    "hex.py": b"x = 0x" + b"f" * 100_000 + b"\n",
    "power.py": b"x = 9**9**9**9\n",
    "line.py": b"x = '" + b"a" * 3_000_000 + b"'\n",
    "colours.py": b"x = '\\x1b[31m\\u202e'\n# \x1b[2J\n",
    "aliases.yaml": b"a: &a [x, x]\n"
    + b"".join(
        b"k%d: &k%d [*%s, *%s]\n" % (i, i, p, p) for i, p in enumerate([b"a", *(b"k%d" % n for n in range(40))])
    ),
    "circle.yaml": b"a: &a [*a]\n",
    "tag.yaml": b"a: !!python/object/apply:os.system [ls]\n",
    "deep.json": b"[" * 100_000,
    "deep.toml": b"a = " + b"[" * 3000 + b"]" * 3000,
    "many.txt": b"b\n" * 100_000,
}


async def test_hostile_files_end_in_bounded_answers(explainer):
    told = await explainer.changes(dict.fromkeys(HOSTILE, b"{}\n"), HOSTILE)
    assert {change.path for change in told} == HOSTILE.keys()
    pid = explainer.pid
    for change in told:
        assert change.effect is Effect.BEHAVIOUR
        assert len(change.diff.encode()) <= 64 * 1024
        assert all(fact.text.isprintable() and len(fact.text) < 500 for fact in change.facts)
    await explainer.changes({}, {"m.py": b""})
    assert explainer.pid == pid, "none of them broke the worker"


async def test_modes_and_links_are_told_first(explainer):
    modes = {"run.sh": (0o100644, 0o100755), "data": (0o100644, 0o120000), "old.sh": (0o100755, 0o100644)}
    told = await explainer.changes({"run.sh": b"a=1\n"}, {"run.sh": b"a=2\n"}, modes=modes)
    assert {change.path: [fact.text for fact in change.facts] for change in told} == {
        "data": ["became a symbolic link"],
        "old.sh": ["is not executable any more"],
        "run.sh": ["became executable", "`a` 1 -> 2"],
    }


async def test_large_file_never_travels(explainer):
    (change,) = await explainer.changes({"w.bin": b"\0" * (17 * 2**20)}, {"w.bin": b"\1" * (17 * 2**20)})
    assert change.facts[0].text.startswith("17,825,792 bytes, sha256 ")
    assert explainer.pid is None


async def test_canonical_digests_are_kept(explainer):
    first = await explainer.canonical({"a.py": b"x=1\n", "b.py": b"x = 1  # c\n", "evil.py": DEEP})
    assert first["a.py"] == first["b.py"] != first["evil.py"]
    assert first["evil.py"].startswith("bytes:")
    await explainer.close()
    assert await explainer.canonical({"a.py": b"x=1\n", "evil.py": DEEP}) == {
        path: first[path] for path in ("a.py", "evil.py")
    }
    assert explainer.pid is None


async def test_question_that_the_worker_cannot_answer_is_an_error(explainer):
    with pytest.raises(ExplainFailed, match="could not do it: no-such-thing"):
        await explainer._worker.call("no-such-thing", {}, 5.0)


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        [{"path": "m.py"}],
        [{"path": "m.py", "effect": "harmless", "facts": [], "diff": ""}],
        [{"path": "m.py", "effect": "same AST", "facts": [], "diff": ""}],
        [{"path": "other.py", "effect": "same AST", "facts": [{"path": "", "line": 1, "text": "x"}], "diff": ""}],
    ],
)
def test_nonsense_of_a_worker_is_refused(nonsense):
    with pytest.raises(ExplainFailed):
        answers.as_changes(nonsense, {"m.py"})


def test_what_a_worker_says_is_cut_and_inert():
    fact = {"path": "elsewhere", "line": 1, "text": "\x1b[31m" + "x" * 1000}
    (change,) = answers.as_changes(
        [{"path": "m.py", "effect": "same AST", "facts": [fact] * 99, "diff": "+x\n" * 99_999}], {"m.py"}
    )
    assert len(change.facts) == 50
    assert change.facts[0].path == "m.py"
    assert change.facts[0].text.startswith("\\x1b[31mxxx")
    assert len(change.diff) <= 64 * 1024
