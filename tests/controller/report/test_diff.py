"""A diff is coloured line by line, and the word that changed is marked."""

from hypothesis import given
from hypothesis import strategies as st
from tests.controller.report.factory import action, patch

from nightlab.controller.report.diff import LINE_LIMIT, Kind, diff_lines, line_count


def test_a_changed_literal_is_marked_as_a_whole():
    lines = diff_lines(patch(action(LR=0.0009)))
    removed, added = (next(line for line in lines if line.kind is kind) for kind in (Kind.REMOVED, Kind.ADDED))
    assert (removed.head, removed.mark, removed.tail) == ("-LR = ", "0.0003", "")
    assert (added.head, added.mark, added.tail) == ("+LR = ", "0.0009", "")


def test_headers_hunks_and_context_are_told_apart():
    kinds = [line.kind for line in diff_lines(patch(action(LR=0.0009)))]
    assert kinds == [Kind.FILE] * 4 + [Kind.HUNK, Kind.CONTEXT, Kind.REMOVED, Kind.ADDED, Kind.CONTEXT]


def test_a_removed_sql_comment_is_no_header():
    lines = diff_lines("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n--- drop\n x\n")
    assert lines[4].kind is Kind.REMOVED and lines[4].text == "--- drop"


def test_lines_with_nothing_in_common_are_not_marked():
    lines = diff_lines("@@ -1 +1 @@\n-import os\n+x = compute(1, 2, 3)\n")
    assert [line.mark for line in lines] == ["", "", ""]


def test_only_the_first_lines_of_a_huge_diff_are_read():
    text = "@@ -1 +1 @@\n" + "+x\n" * 100_000
    assert len(diff_lines(text, 10)) == 10 and line_count(text) == 100_001
    assert [line.text for line in diff_lines("a\nb\nc", 2)] == ["a", "b"]
    assert diff_lines("") == () and len(diff_lines("a\n", 5)) == 1


def test_a_whole_function_is_not_paired():
    lines = diff_lines("@@ -1 +1,2 @@\n-a = 1\n+a = 2\n+b = 2\n")
    assert not any(line.mark for line in lines)


@given(st.lists(st.text(st.sampled_from("ab .=1+-"), max_size=12), max_size=20))
def test_marking_changes_no_text(parts):
    text = "@@ -1 +1 @@\n" + "".join(part + "\n" for part in parts)
    assert [line.text for line in diff_lines(text)] == ["@@ -1 +1 @@", *parts]


@given(st.text())
def test_any_text_is_readable_as_some_diff(text):
    for line in diff_lines(text):
        assert line.text.replace("\t", "").isprintable() and len(line.text) <= LINE_LIMIT
