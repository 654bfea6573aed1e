"""A fix is known by its author, its file and its changed lines, and only if all of them can be seen."""

from __future__ import annotations

from nightlab.controller.model.change import Effect, Fact, FileChange, Fix, FixState
from nightlab.controller.study.examiner import writers_of
from nightlab.controller.study.fixing import KEYED_CHARS, approvals_of, keys_of, summary_of
from nightlab.controller.study.redress import is_named

DIFF = """--- a/train.py
+++ b/train.py
@@ -LINE,3 +LINE,3 @@ def is_open(gate):
 context
-    return gate == None
+    return gate is None
"""


def change(diff: str, path: str = "train.py") -> FileChange:
    return FileChange(path, Effect.BEHAVIOUR, (Fact(path, 3, "`== None` became `is None`"),), diff)


def keys(diff: str, author: str = "ruff:E711", path: str = "train.py") -> tuple[tuple[str, str, str], ...]:
    return keys_of(author, (change(diff, path),))


def test_the_same_lines_elsewhere_in_the_file_are_the_same_fix() -> None:
    here, there = DIFF.replace("LINE", "10"), DIFF.replace("LINE", "210").replace("context", "other context")
    assert keys(here) == keys(there)
    assert len(keys(here)) == 1


def test_other_lines_another_file_or_another_author_are_another_fix() -> None:
    here = DIFF.replace("LINE", "10")
    others = [
        keys(here.replace("gate is", "gate() is")),
        keys(here, author="ruff:E712"),
        keys(here, path="other.py"),
        keys(here.replace("+    return", "+   return")),
    ]
    assert len({*others, keys(here)}) == 5


def test_lines_that_look_like_headers_count_as_lines() -> None:
    removed = "--- a/x\n+++ b/x\n@@ -1,2 +1,1 @@\n--- a comment in SQL\n kept\n"
    assert keys(removed) != keys(removed.replace("in SQL", "in Lua"))


def test_a_fix_whose_lines_cannot_all_be_seen_has_no_key_and_cannot_be_approved() -> None:
    assert keys("") == ()
    assert keys("@@ -1 +1 @@\n" + "+x\n" * KEYED_CHARS) == ()
    hidden = Fix("ruff:E711", Effect.BEHAVIOUR, FixState.HELD_BACK, (change(""), change(DIFF)))
    assert list(approvals_of("s", hidden, "why")) == []


def test_a_proofs_word_for_a_guilty_rule_names_its_fix() -> None:
    assert is_named("ruff:F841", "ruff:F841")
    assert is_named("ruff:F841", "F841")
    assert is_named("ruff:F841", "ruff:B006,F841")
    assert is_named("formatter:ruff format", "formatter:ruff format")
    assert not is_named("ruff:F841", "ruff:F8411")
    assert not is_named("ruff:F841", "unknown")


def test_writers_are_made_again_rules_first_and_each_once() -> None:
    fixes = [
        Fix(author, Effect.BEHAVIOUR, FixState.LET_THROUGH, (change(DIFF, path),))
        for author, path in [("formatter:ruff format", "a.py"), ("ruff:E711", "a.py"), ("ruff:B006", "b.py")]
    ]
    linted, formatted = writers_of(fixes, "all")
    assert (linted.tool, linted.rules, linted.applicability) == ("ruff check", ("B006", "E711"), "unsafe")
    assert linted.paths == ("a.py", "b.py")
    assert (formatted.tool, formatted.rules) == ("ruff format", ())
    assert writers_of([], "all") == ()


def test_a_summary_names_the_first_of_what_was_done() -> None:
    assert summary_of("ruff:E711", (change(DIFF),)) == "ruff:E711: `== None` became `is None`, train.py:3"
    assert summary_of("ruff:E711", (change(DIFF), change(DIFF))).endswith("and 1 more")
