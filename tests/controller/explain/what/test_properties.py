"""Random small programs: format is never behaviour, and one changed literal is exactly that literal."""

import ast

from hypothesis import given, settings
from hypothesis import strategies as st

from nightlab.controller.explain.what.canonical import canonical
from nightlab.controller.explain.what.changes import changes
from nightlab.controller.model.change import Effect

NAMES = st.sampled_from(["lr", "steps", "model", "loss", "data", "width"])
NUMBERS = st.integers(0, 999).map(str) | st.floats(0.001, 99, allow_nan=False).map(repr)
ATOMS = NAMES | NUMBERS | st.sampled_from(["None", "True", "'adam'", "b'x'"])


def compound(inner):
    return (
        st.tuples(inner, st.sampled_from(["+", "*", "-", "<", "is", "and"]), inner)
        .map(" ".join)
        .map(lambda s: f"({s})")
        | st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]")
        | st.tuples(NAMES, inner, NAMES, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]}={p[3]})")
        | st.tuples(inner, inner).map(lambda p: f"{{'a': {p[0]}, 'b': {p[1]}}}")
        | inner.map(lambda each: f"(lambda q: {each})")
    )


EXPRESSIONS = st.recursive(ATOMS, compound, max_leaves=6)
SIMPLE = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(lambda p: f"{p[0]} = {p[1]}"),
    EXPRESSIONS.map(lambda each: f"print({each})"),
    NAMES.map(lambda name: f"import {name}"),
)


def block(inner):
    body = st.lists(inner, min_size=1, max_size=3).map("\n".join).map(lambda text: text.replace("\n", "\n    "))
    return (
        st.tuples(EXPRESSIONS, body).map(lambda p: f"if {p[0]}:\n    {p[1]}")
        | st.tuples(NAMES, EXPRESSIONS, body).map(lambda p: f"def {p[0]}(a={p[1]}):\n    {p[2]}")
        | st.tuples(NAMES, EXPRESSIONS, body).map(lambda p: f"for {p[0]} in {p[1]}:\n    {p[2]}")
    )


PROGRAMS = st.lists(st.recursive(SIMPLE, block, max_leaves=4), min_size=1, max_size=5).map("\n".join)


def only(before: str, after: str):
    (change,) = changes({"m.py": before.encode()}, {"m.py": after.encode()}, {})
    assert not any("compared by line" in fact.text for fact in change.facts)
    return change


@settings(max_examples=30, deadline=None)
@given(PROGRAMS, st.booleans())
def test_format_is_never_behaviour(program, with_comments):
    formatted = ast.unparse(ast.parse(program))
    spaced = "\n\n".join(f"{line}  # note" if with_comments else line for line in formatted.split("\n")) + "\n"
    change = only(program + "\n", spaced)
    assert change.effect is Effect.SAME_PROGRAM
    assert canonical({"m.py": program.encode()}) == canonical({"m.py": spaced.encode()})


@settings(max_examples=30, deadline=None)
@given(PROGRAMS, PROGRAMS)
def test_whatever_changes_is_told_in_bounds(before, after):
    change = only(before, after)
    assert 1 <= len(change.facts) <= 50
    assert all("\n" not in fact.text and len(fact.text) < 400 for fact in change.facts)
    assert (change.effect is Effect.BEHAVIOUR) == (ast.dump(ast.parse(before)) != ast.dump(ast.parse(after)))


class Other(ast.NodeTransformer):
    """Replaces the first number it finds whose value is told once in the program."""

    def __init__(self) -> None:
        self.old: object = None

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if self.old is None and type(node.value) in (int, float):
            self.old = node.value
            return ast.Constant(777777.5)
        return node


@settings(max_examples=40, deadline=None)
@given(PROGRAMS)
def test_one_changed_literal_is_exactly_that_literal(program):
    other = Other()
    changed = ast.unparse(other.visit(ast.parse(program)))
    if other.old is None:
        return
    facts = [fact.text for fact in only(program, changed).facts]
    assert len(facts) == 1
    assert f"{other.old!r} -> 777777.5" in facts[0]
