"""Acceptance case B14: text that nobody vouches for is shown and does nothing."""

import csv
import html
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.markup import render

from nightlab.controller.text import inert, inert_cell, inert_html, inert_markup

HOSTILE = [
    "\x1b[2J\x1b[31mred",
    "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31m C1 \x90q\x9c",
    "invoice\u202efdp.exe",
    "\u2066isolated\u2069",
    "zero\u200bwidth\ufeff",
    "[/foo] [red]x[/red] [link=http://evil.example]y[/link]",
    "trailing backslash \\",
    "\\[bold]",
    "<script>alert(1)</script>",
    "\" onmouseover='x'",
    "{{7*7}}",
    "=cmd|' /C calc'!A0",
    "a\rb\nc\td",
    "\udce9 unpaired",
    "tag \U000e0041",
]


def as_markup_shows(text: str) -> str:
    shown = inert(text)
    return shown[:-1] + "\\x5c" if shown.endswith("\\") else shown


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_acts_is_left(text: str):
    shown = inert(text)
    assert shown.isprintable()
    shown.encode()
    assert json.loads(json.dumps(shown)) == shown


def test_what_prints_is_kept_and_what_does_not_is_named():
    assert inert("val_bpb: 2.31, größer, 学习率 🙂") == "val_bpb: 2.31, größer, 学习率 🙂"
    assert inert("\x1b[2J") == "\\x1b[2J"
    assert inert("a\u202eb\u200b") == "a\\u202eb\\u200b"
    assert inert("\U000e0041\x9b") == "\\U000e0041\\x9b"
    assert inert("a\r\nb\tc") == "a\\r\\nb\\tc"
    assert inert("a\r\nb\x1b", keep_lines=True) == "a\\r\nb\\x1b"


def test_long_text_is_cut_and_says_by_how_much():
    assert inert("x" * 30, 10) == "x" * 10 + "… (20 more characters)"
    assert len(inert("\U000e0041" * 10**6, 100)) < 1100


@pytest.mark.parametrize("text", HOSTILE)
def test_rich_shows_markup_as_text(text: str):
    shown = render(f"<{inert_markup(text)}[bold]>[/bold] end")
    assert shown.plain == f"<{as_markup_shows(text)}> end"
    assert [span.style for span in shown.spans] == ["bold"]
    output = io.StringIO()
    Console(file=output, force_terminal=True, width=200, color_system=None).print(inert_markup(text), highlight=False)
    assert "\x1b" not in output.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_markup_as_text(text: str):
    shown = inert_html(text)
    assert not set(shown) & set("<>\"'")
    assert html.unescape(shown) == inert(text)


@pytest.mark.parametrize("text", [*HOSTILE, "+1+1", "-2+3", "@SUM(A1)", "\t=1", "  =1", "-0.5", "1e-3", "plain"])
def test_cell_is_no_formula(text: str):
    out = io.StringIO()
    csv.writer(out).writerow([inert_cell(text)])
    (row,) = csv.reader(io.StringIO(out.getvalue()))
    assert row == [inert_cell(text)]
    is_number = text in ("-0.5", "1e-3")
    assert is_number or not row[0].lstrip(" ").startswith(("=", "+", "-", "@"))
    assert inert_cell("-0.5") == "-0.5"


@given(st.text())
def test_any_text_becomes_printable(text: str):
    assert inert(text).isprintable()
    assert render(inert_markup(text)).plain == as_markup_shows(text)
