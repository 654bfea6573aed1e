"""What a finder hands over before offsets and types are known, and the choices that an annotation states."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from nightlab.plugins.hyperparameter.literals import Form, Kind, Value


@dataclass(frozen=True, slots=True)
class Found:
    """A place where a literal may stand.

    Attributes:
        name: Qualified name below the scope.
        word: The name of the quantity.
        node: What stands there.
        form: How it is written down.
        kind: The type that the code declares, if it does.
        context: Names around it, below the scope.
        callee: For literals in calls, the called name.
        choices: All values that the code lists.
        scoped: Whether the names of functions and classes around it belong to its name.
    """

    name: str
    word: str
    node: ast.expr
    form: Form
    kind: Kind | None = None
    context: tuple[str, ...] = ()
    callee: str = ""
    choices: tuple[str, ...] = ()
    scoped: bool = True

    def wanted_kind(self, kind: Kind, value: Value) -> Kind:
        """The type to keep: the declared one, a number for text that holds one, else the literal's own."""
        if kind == "integer" and self.kind == "number":
            return "number"
        if isinstance(value, str) and not self.choices and self.kind != "string":
            return self.kind if self.kind in ("integer", "number") else number_kind(value) or kind
        return kind


def number_kind(text: str) -> Kind | None:
    """Tell whether text holds a number, and which: "32" an integer, "3e-4" a number."""
    for kind, convert in (("integer", int), ("number", float)):
        try:
            value = convert(text)
        except ValueError:
            continue
        if value == value and abs(value) != float("inf"):
            return "integer" if kind == "integer" else "number"
    return None


def stated_choices(annotation: ast.expr | None) -> tuple[str, ...]:
    """The strings of a Literal["a", "b"] annotation."""
    for node in ast.walk(annotation) if annotation is not None else ():
        name = node.value if isinstance(node, ast.Subscript) else None
        if (
            isinstance(name, ast.Name | ast.Attribute)
            and (getattr(name, "attr", "") or getattr(name, "id", "")) == "Literal"
        ):
            assert isinstance(node, ast.Subscript)
            return strings(node.slice)
    return ()


def strings(node: ast.expr | None) -> tuple[str, ...]:
    """The strings of a literal collection, or of one string."""
    elements = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node] if node is not None else []
    return tuple(each.value for each in elements if isinstance(each, ast.Constant) and isinstance(each.value, str))
