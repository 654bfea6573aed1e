"""Fixes on a copy: what cannot change the program is taken at once, what may only where it is let through, in turn."""

from __future__ import annotations

from collections.abc import Sequence

from nightlab.controller.explain.applying import MOST_LET_THROUGH, FixedCopy
from nightlab.controller.explain.orders import TOOL_CONFIGS, Files, MadeFix, tool_configs
from nightlab.controller.explain.who.config import RUFF_NAMES, section
from nightlab.controller.model.change import Effect, Fact, FileChange, FixState


def made(author: str, effect: Effect, files: Files) -> MadeFix:
    return MadeFix(author, effect, files, (FileChange("a.py", effect, (Fact("a.py", 1, "changed"),)),), "why")


class Maker:
    """Turns small letters of one file into capitals: `a` changes nothing, `b` and `c` may, each alone on top of `a`."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def make(self, files: Files) -> Sequence[MadeFix]:
        text = files["a.py"]
        self.asked.append(text)
        same = text.replace(b"a", b"A")
        first = [made("ruff:A", Effect.SAME_PROGRAM, {"a.py": same})] if same != text else []
        return first + [
            made(f"ruff:{letter.upper()}", Effect.BEHAVIOUR, {"a.py": same.replace(letter.encode(), mark)})
            for letter, mark in (("b", b"B"), ("c", b"C"))
            if letter.encode() in same
        ]


async def never(_made: MadeFix, _contents: Files) -> str:
    return ""


async def always(_made: MadeFix, _contents: Files) -> str:
    return "no difference seen"


async def test_what_may_change_behaviour_is_held_back_and_the_rest_applied() -> None:
    copy, maker = FixedCopy({"a.py": b"abc"}), Maker()
    await copy.fix(maker.make, never)
    assert copy.contents == {"a.py": b"Abc"}
    assert [(a.made.author, a.state) for a in copy.applied] == [("ruff:A", FixState.APPLIED)]
    assert [m.author for m in copy.held] == ["ruff:B", "ruff:C"]


async def test_fixes_that_are_let_through_are_made_on_top_of_one_another() -> None:
    copy, maker = FixedCopy({"a.py": b"abc"}), Maker()
    await copy.fix(maker.make, always)
    assert copy.contents == {"a.py": b"ABC"}
    assert maker.asked == [b"abc", b"ABc", b"ABC"]
    assert [(a.made.author, a.state, a.reason) for a in copy.applied[1:]] == [
        ("ruff:B", FixState.LET_THROUGH, "no difference seen"),
        ("ruff:C", FixState.LET_THROUGH, "no difference seen"),
    ]
    assert copy.held == []


async def test_no_time_left_holds_back_what_would_have_been_let_through() -> None:
    copy = FixedCopy({"a.py": b"abc"})
    await copy.fix(Maker().make, always, limit_s=-1.0)
    assert copy.contents == {"a.py": b"Abc"}
    assert [m.author for m in copy.held] == ["ruff:B", "ruff:C"]


async def test_a_fix_of_another_file_or_of_nothing_is_not_taken() -> None:
    async def make(_files: Files) -> Sequence[MadeFix]:
        return [
            made("ruff:X", Effect.SAME_PROGRAM, {"b.py": b"new"}),
            made("ruff:Y", Effect.BEHAVIOUR, {"a.py": b"abc"}),
        ]

    copy = FixedCopy({"a.py": b"abc"})
    await copy.fix(make, always)
    assert (copy.contents, copy.applied, [m.author for m in copy.held]) == ({"a.py": b"abc"}, [], ["ruff:Y"])


async def test_two_fixes_that_undo_one_another_come_to_an_end() -> None:
    async def make(files: Files) -> Sequence[MadeFix]:
        return [made("ruff:X", Effect.BEHAVIOUR, {"a.py": b"y" if files["a.py"] == b"x" else b"x"})]

    copy = FixedCopy({"a.py": b"x"})
    await copy.fix(make, always)
    assert len(copy.applied) == MOST_LET_THROUGH


def test_every_file_that_a_replayed_tool_has_settings_from_is_known() -> None:
    assert set(RUFF_NAMES) <= TOOL_CONFIGS
    for name in TOOL_CONFIGS - set(RUFF_NAMES) - {".flake8"}:
        text = b"[settings]\nprofile = black\n[isort]\nprofile = black\n"
        assert section({name: text}, "isort") == {"profile": "black"}, name
    assert tool_configs(["setup.cfg", "pkg/.isort.cfg", "pkg/isort.cfg.py"]) == ("setup.cfg", "pkg/.isort.cfg")
