"""What changed in a Python file: by its syntax tree, or by line where it has none."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import Final

from nightlab.controller.explain.what.blocks import compare_bodies
from nightlab.controller.explain.what.leftovers import settle
from nightlab.controller.explain.what.lines import line_notes
from nightlab.controller.explain.what.newer import is_newer_python
from nightlab.controller.explain.what.notes import Note, Notes, Rank
from nightlab.controller.explain.what.parsing import Parsed, parse
from nightlab.controller.explain.what.shape import same
from nightlab.controller.explain.what.texts import comment_notes, text_notes
from nightlab.controller.model.change import Effect

RUNNING: Final = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a file's change.

    Attributes:
        effect: What it may do, if nothing reads source text or docstrings.
        notes: At least one.
    """

    effect: Effect
    notes: list[Note] = field(default_factory=list)


def python_change(before: bytes, after: bytes) -> Told:
    """Say what changed in a Python file."""
    old, new = parse(before), parse(after)
    if old.tree is None or new.tree is None:
        return Told(Effect.BEHAVIOUR, _unparsed(old, new, before, after))
    if same(old.tree, new.tree):
        return _text_only(before, after)
    notes = Notes()
    compare_bodies(old.tree, new.tree, "the module", notes)
    settle(notes)
    if same(old.tree, new.tree, docstrings=False):
        effect = max(Effect.DOCSTRING, _text_effect(before, after), key=list(Effect).index)
        return Told(effect, notes.found + _important(before, after))
    found = notes.found or line_notes(before, after)
    return Told(Effect.BEHAVIOUR, found)


def _text_only(before: bytes, after: bytes) -> Told:
    notes = [*comment_notes(before, after), *text_notes(before, after)]
    effect = _text_effect(before, after)
    if not notes:
        notes = [Note(Rank.TEXT, None, "format only")]
    if effect is Effect.SAME_PROGRAM:
        notes[0] = replace(notes[0], text=f"{notes[0].text}, same AST")
    return Told(effect, notes)


def _important(before: bytes, after: bytes) -> list[Note]:
    return [note for note in comment_notes(before, after) if note.rank is not Rank.TEXT]


def _text_effect(before: bytes, after: bytes) -> Effect:
    """A comment that some program reads is no comment."""
    return Effect.BEHAVIOUR if _important(before, after) else Effect.SAME_PROGRAM


def _unparsed(old: Parsed, new: Parsed, before: bytes, after: bytes) -> list[Note]:
    lines = line_notes(before, after)
    if new.tree is not None:
        return [Note(Rank.BROKEN, None, "parses again"), *lines]
    word = "does not parse any more" if old.tree is not None else "does not parse, neither before nor after"
    where = f", line {new.line}" if new.line else ""
    if new.is_grammar and is_newer_python(after):
        word = f"needs a newer Python than {RUNNING}, compared by line"
    return [Note(Rank.BROKEN, new.line or None, f"{word}: {new.problem}{where}"), *lines]
