"""Untrusted text cannot move a cursor, hide itself or turn a line around."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controller.report.factory import HOSTILE

from nightlab.controller.report._inert import _inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]8;;http://e\x07", "\\x1b]8;;http://e\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202egnp", "a\\u202egnp"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u2800\u3164", "a\\u2800\\u3164"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("a\nb\r\t", "a\\nb\\r\\t"),
        ("[/foo] <script> {{7*7}}", "[/foo] <script> {{7*7}}"),
        ("größe 日本 שלום", "größe 日本 שלום"),
    ],
)
def test_what_is_not_plainly_visible_is_escaped(text, shown):
    assert _inert(text) == shown


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 50))
def test_any_text_becomes_printable_short_and_stays_so(text, limit):
    once = _inert(text, limit)
    assert once.isprintable() and len(once) <= limit
    once.encode()
    assert _inert(once, limit) == once


def test_a_tab_may_be_kept():
    assert _inert("a\tb\x1b", keep="\t") == "a\tb\\x1b"


def test_the_hostile_sample_holds_what_it_says():
    assert not HOSTILE.isprintable() and _inert(HOSTILE).isprintable()
