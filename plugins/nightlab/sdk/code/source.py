"""A Python file as an author edits it: find calls and statements, ask for edits, save."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from functools import cached_property

from nightlab.sdk.code import imports, values
from nightlab.sdk.code.calls import Call, Value
from nightlab.sdk.code.statements import Statement, function_around, loops_around, statement_of
from nightlab.sdk.code.text import Text
from nightlab.sdk.code.values import spelled
from nightlab.sdk.edits import Edits


class Source(Text):
    """A Python file: what is in it, and the edits asked for; nothing changes before `save`."""

    @cached_property
    def _calls(self) -> list[Call]:
        return [Call(self, node) for node in self.walk() if isinstance(node, ast.Call)]

    def calls(self, *names: str) -> list[Call]:
        """Return the calls of some names, in the order of the text; all of them without a name.

        Args:
            names: Dotted, imports resolved: "torch.optim.AdamW", "*.backward", "print".
        """
        return [call for call in self._calls if not names or _matches(call.name, names)]

    def functions(self, *names: str) -> list[Statement]:
        """Return functions and methods of some names, with stars; all of them without a name."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = [Statement(self, node) for node in self.walk() if isinstance(node, kinds)]
        return [each for each in found if not names or _matches(each.name, names)]

    def classes(self, *names: str) -> list[Statement]:
        """Return classes of some names, with stars; all of them without a name."""
        found = [Statement(self, node) for node in self.walk() if isinstance(node, ast.ClassDef)]
        return [each for each in found if not names or _matches(each.name, names)]

    def loops(self, *called: str) -> list[Statement]:
        """Return the loops that call some names in themselves, not only in a loop or function inside of them.

        Args:
            called: As for `calls`; without a name: all loops.
        """
        if not called:
            kinds = (ast.For, ast.AsyncFor, ast.While)
            return [Statement(self, node) for node in self.walk() if isinstance(node, kinds)]
        inner = {call.loops[0].node: call.loops[0] for call in self.calls(*called) if call.loops}
        return list(inner.values())

    def imports(self, name: str) -> bool:
        """Tell whether the file imports a module or something of it, at any place."""
        found = {alias.name for node in self.walk() if isinstance(node, ast.Import) for alias in node.names}
        found |= {node.module or "" for node in self.walk() if isinstance(node, ast.ImportFrom) and not node.level}
        return any(each == name or each.startswith(name + ".") for each in found)

    def resolve(self, node: ast.expr) -> str:
        """Spell a name with imports resolved: "torch.bfloat16"; "?" stands for what is no name."""
        return self.names.dotted(node)

    def statement(self, node: ast.AST) -> Statement:
        """Return the innermost statement that a node is in."""
        return statement_of(self, node)

    def function_of(self, node: ast.AST) -> Statement | None:
        """Return the innermost function that a node is in; None at module level."""
        return function_around(self, node)

    def loops_of(self, node: ast.AST) -> list[Statement]:
        """Return the loops around a node in the same function, innermost first."""
        return loops_around(self, node)

    def name_for(self, dotted: str, seen_from: ast.AST | None = None) -> str:
        """Spell an importable thing with the imports there are, adding one if there is none."""
        return imports.name_for(self, dotted, seen_from)

    def add_import(self, statement: str) -> None:
        """Add "import a" or "from a import b" where imports stand, unless it is there."""
        imports.add_import(self, statement)

    def remove_unused_import(self, name: str) -> bool:
        """Remove the import that binds a name which nothing uses any more; tell whether it was."""
        return imports.remove_unused_import(self, name)

    def value(self, name: str) -> ast.expr:
        """Return the value of a module constant ("LR") or class attribute ("Config.lr"), assigned once."""
        return values.assigned(self, name)

    def set_value(self, name: str, value: Value) -> None:
        """Set a module constant or class attribute; a str is an expression."""
        self.replace(values.assigned(self, name), spelled(value))

    def default(self, function: str, parameter: str) -> ast.expr:
        """Return the default of a parameter; "Model.__init__" names a method."""
        return values.default(self, function, parameter)

    def set_default(self, function: str, parameter: str, value: Value) -> None:
        """Set the default of a parameter; a str is an expression."""
        self.replace(values.default(self, function, parameter), spelled(value))


def read(ws: Edits, path: str) -> Source:
    """Read a Python file of a workspace.

    Raises:
        Unmet: It is not there, no Python, larger than a mebibyte, or nested too deeply.
    """
    return Source(path, ws.text(path))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name == pattern or ("*" in pattern and fnmatchcase(name, pattern)) for pattern in patterns)
