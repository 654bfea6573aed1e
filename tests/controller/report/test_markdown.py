"""The Markdown file tells the same story, and no text in it can become a link, an image, HTML or a table cell."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.controller.report import factory
from tests.controller.report.golden import check_golden

from nightlab.controller.report.markdown import code, fenced, plain, render_markdown, table

PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
NASTY = st.text(st.sampled_from("ab`|\\*_<>[]()!#~$&@:/. \n\t\x1b\u202e"), max_size=30)


def flat(text):
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("name", ["good_night", "gated_night", "several_actions", "all_crashed", "empty"])
def test_the_file_is_the_golden_one(name):
    check_golden(f"{name}.md", render_markdown(getattr(factory, name)()))


@pytest.mark.parametrize(
    "name", ["good_night", "gated_night", "several_actions", "hostile", "running", "multi_objective", "big"]
)
def test_nothing_is_a_link_an_image_or_html_but_our_own(name):
    text = render_markdown(getattr(factory, name)())
    assert text.replace("\n", "").replace("\t", "").replace("\u2060", "").isprintable()
    for token in flat(text):
        assert token.type not in ("link_open", "image")
        if token.type in ("html_inline", "html_block"):
            assert re.fullmatch(r"(</details>|<details><summary>Trial \d+, [a-z ]+</summary>)\n?", token.content)
    assert len(text) < 5_000_000


@pytest.mark.parametrize("name", ["good_night", "hostile"])
def test_tables_keep_their_columns(name):
    rows, columns = [], 0
    for token in PARSER.parse(render_markdown(getattr(factory, name)())):
        if token.type == "tr_open":
            columns = 0
        columns += token.type in ("td_open", "th_open")
        if token.type == "tr_close":
            rows.append(columns)
    assert set(rows) == {2, 3, 4, 5, 6, 8}
    sections = re.findall(r"^\| trial .*?(?=\n\n)", render_markdown(getattr(factory, name)()), re.MULTILINE | re.DOTALL)
    assert sections[-1].count("\n") == 1 + 18


@given(st.lists(NASTY, min_size=3, max_size=3))
def test_a_cell_cannot_leave_its_cell(cells):
    text = table(("a", "b", "c"), [[code(cell) for cell in cells], ["x", "y", "z"]])
    kinds = [token.type for token in flat(text)]
    assert kinds.count("td_open") == 6 and kinds.count("table_open") == 1
    assert not {"link_open", "image", "html_inline", "em_open", "strong_open"} & set(kinds)
    assert "z" in [token.content for token in flat(text) if token.type == "text"]


@given(NASTY.filter(lambda text: text.strip(" ")))
def test_plain_text_stays_plain(text):
    kinds = {token.type for token in flat("x " + plain(text))}
    assert kinds <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close", "softbreak", "hardbreak"}


@given(st.lists(st.text(st.sampled_from("`a ~"), max_size=8), max_size=6))
def test_a_fence_closes_only_at_its_end(lines):
    tokens = PARSER.parse(fenced(lines, "diff") + "\n\nafter")
    assert tokens[0].type == "fence" and tokens[0].content.split("\n")[:-1] == lines
    assert tokens[2].content == "after"


def test_mentions_and_references_are_broken():
    assert "@ada" not in plain("thanks @ada, see #12") and "#12" not in plain("see #12")
