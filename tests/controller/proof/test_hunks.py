"""Pieces of a difference: all of them give the later files, none the earlier ones, some something between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.proof.hunks import diff_text, hunks_between, with_hunks

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"\r", b"d \x0c\n", b"\xff\n", b"end"]), max_size=12)
CONTENT = st.one_of(LINES.map(b"".join), st.binary(max_size=20))
FILES = st.dictionaries(st.sampled_from(["a.py", "b.py", "c/d.toml"]), CONTENT)


@given(FILES, FILES)
def test_all_pieces_give_the_later_files_and_none_the_earlier(before, after):
    hunks = hunks_between(before, after)
    assert with_hunks(before, hunks) == after
    assert with_hunks(before, ()) == before
    assert (hunks == ()) == (before == after)


@given(FILES, FILES, st.data())
def test_pieces_come_in_any_order_and_some_of_them_lie_between(before, after, data):
    hunks = hunks_between(before, after)
    some = data.draw(st.lists(st.sampled_from(hunks), unique=True)) if hunks else []
    between = with_hunks(before, some)
    assert with_hunks(before, reversed(some)) == between
    assert len(hunks_between(between, after)) <= len(hunks)


def test_changes_far_apart_are_pieces_of_their_own():
    before = {"t.py": b"".join(b"x%d = %d\n" % (i, i) for i in range(50))}
    after = {"t.py": before["t.py"].replace(b"x3 = 3\n", b"x3 = 9\n").replace(b"x40 = 40\n", b"")}
    first, second = hunks_between(before, after)
    assert (first.start, first.end, first.lines) == (3, 4, (b"x3 = 9\n",))
    assert (second.start, second.end, second.lines) == (40, 41, ())


def test_a_difference_of_many_lines_is_one_piece():
    before, after = {"t.py": b"a\nb\n" * 3000}, {"t.py": b"b\nc\n" * 3000}
    assert len(hunks_between(before, after)) == 1


def test_a_diff_is_for_a_person():
    before = {"t.py": b"LR = 0.5\n", "w.bin": b"\0\1", "gone.py": b"x\n"}
    after = {"t.py": b"LR = 0.3\x1b[31m\n", "w.bin": b"\0\1\2", "new.py": b"y\n"}
    text = diff_text(before, after)
    assert "-LR = 0.5\n+LR = 0.3\\x1b[31m\n" in text
    assert "w.bin: 2 bytes -> 3 bytes" in text
    assert "--- a/gone.py\n+++ /dev/null\n" in text
    assert "--- /dev/null\n+++ b/new.py\n" in text
