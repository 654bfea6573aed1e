"""Surveys a workspace: reads the files that count, finds their literals, judges each one, and names likely seeds."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nightlab.plugins.hyperparameter.calls import ENVIRONMENT_CALLS, OPTION_CALLS, option_name
from nightlab.plugins.hyperparameter.config_scan import SUFFIXES, scan_config
from nightlab.plugins.hyperparameter.evidence import gather
from nightlab.plugins.hyperparameter.judge import Frozen, Judge, Tunable, Word
from nightlab.plugins.hyperparameter.literals import Literal
from nightlab.plugins.hyperparameter.names import words
from nightlab.plugins.hyperparameter.python_scan import scan_python
from nightlab.plugins.hyperparameter.reach import counts, reachable
from nightlab.plugins.hyperparameter.source import Source, Unreadable, callee, constant, dotted
from nightlab.sdk import Edits, Note


@dataclass(slots=True)
class Survey:
    """What a workspace holds.

    Attributes:
        tunable: Literals that are searched, by file and place.
        frozen: All others, with reasons.
        problems: Files that count and could not be read.
        seeds: Options and variables that carry a seed without a literal default, as notes.
    """

    tunable: list[Tunable] = field(default_factory=list)
    frozen: list[Frozen] = field(default_factory=list)
    problems: list[Note] = field(default_factory=list)
    seeds: list[Note] = field(default_factory=list)

    def literals(self) -> list[Literal]:
        """All of them."""
        return [each.literal for each in self.frozen] + [each.literal for each in self.tunable]

    def find(self, name: str) -> Literal | None:
        """Return the literal with an id, frozen or not."""
        return next((each for each in self.literals() if each.id == name), None)

    def nearest(self, name: str) -> str:
        """Say which ids are like one that does not exist."""
        ids = [each.id for each in self.literals()]
        close = difflib.get_close_matches(name, ids, 3, 0.3)
        return f"did you mean {', '.join(close)}?" if close else "no literal is like it"

    def seed_notes(self) -> Iterator[Note]:
        """Name likely seeds, the easiest to set first: an option, a variable, a literal."""
        yield from self.seeds
        order = {"argument": 0, "variable": 1}
        found = [each.literal for each in self.frozen if each.category == "seed" and each.literal.kind == "integer"]
        for literal in sorted(found, key=lambda each: order.get(each.form, 2)):
            yield Note("note", _seed_summary(literal), literal.id, literal.where)


def survey(ws: Edits, settings: Mapping[str, Any]) -> Survey:
    """Read and judge a workspace under the user's settings."""
    found = Survey()
    sources = _sources(ws, found)
    scripts = {path: ws.read(path).decode(errors="replace") for path in ws.paths() if path.endswith(".sh")}
    used = reachable(ws.paths(), sources, scripts, ws.entry_points, tuple(settings.get("relevant", ())))
    found.problems = [note for note in found.problems if note.pointer.rsplit(":", 1)[0] in used]
    literals = [each for path in sorted(used) for each in _literals(ws, path, sources, found)]
    judge = Judge(literals, gather(sources[path].tree for path in sorted(used & sources.keys())), Word.of(settings))
    for literal in literals:
        verdict = judge.judge(literal)
        if isinstance(verdict, Tunable):
            found.tunable.append(verdict)
        else:
            found.frozen.append(verdict)
    found.seeds = list(_open_seeds(sources[path] for path in sorted(used & sources.keys())))
    return found


def _sources(ws: Edits, found: Survey) -> dict[str, Source]:
    sources = {}
    for path in ws.paths():
        if path.endswith(".py") and (counts(path) or path in ws.entry_points):
            try:
                sources[path] = Source(path, ws.read(path))
            except Unreadable as error:
                found.problems.append(_problem(path, error))
    return sources


def _literals(ws: Edits, path: str, sources: Mapping[str, Source], found: Survey) -> list[Literal]:
    if path in sources:
        return scan_python(sources[path])
    if not path.endswith(SUFFIXES):
        return []
    try:
        return scan_config(path, ws.read(path))
    except Unreadable as error:
        found.problems.append(_problem(path, error))
        return []


def _problem(path: str, error: Unreadable) -> Note:
    return Note("warning", f"{path} {error}", "its literals are not searched", f"{path}:{error.line}")


def _open_seeds(sources: Iterable[Source]) -> Iterator[Note]:
    """Seeds that come from outside and have no literal default: --seed without one, os.environ["SEED"]."""
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and callee(node) in OPTION_CALLS and "seed" in words(option_name(node)):
                if constant(next((each.value for each in node.keywords if each.arg == "default"), None)) is None:
                    summary = f"seed: argument {option_name(node)} default None"
                    yield Note("note", summary, "", f"{source.path}:{node.lineno}")
            elif (variable := _variable(node)) and "seed" in words(variable):
                yield Note("note", f"seed: variable {variable}", "", f"{source.path}:{getattr(node, 'lineno', 1)}")


def _variable(node: ast.AST) -> str:
    """The environment variable that a node reads without a default."""
    if isinstance(node, ast.Subscript) and dotted(node.value) in ("os.environ", "environ"):
        name = constant(node.slice)
    elif isinstance(node, ast.Call) and dotted(node.func) in ENVIRONMENT_CALLS and len(node.args) == 1:
        name = constant(node.args[0])
    else:
        return ""
    return name if isinstance(name, str) else ""


def _seed_summary(literal: Literal) -> str:
    if literal.form == "argument":
        return f"seed: argument {literal.name} default {literal.text}"
    if literal.form == "variable":
        return f"seed: variable {literal.name.lstrip('$')} default {literal.text}"
    return f"seed: literal {literal.id} = {literal.text}"
