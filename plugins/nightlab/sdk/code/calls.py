"""A call in a file: what is called with what, and another callee or other arguments for it."""

from __future__ import annotations

import ast

from nightlab.sdk.code.arguments import Changes, changed
from nightlab.sdk.code.imports import name_for
from nightlab.sdk.code.statements import Statement, function_around, loops_around, statement_of
from nightlab.sdk.code.text import Text
from nightlab.sdk.code.values import spelled

Value = str | float | int | bool | None


class Call:
    """One call.

    Attributes:
        node: Its syntax tree.
        name: What is called, with imports resolved: "torch.optim.AdamW", "optimizer.step", "?.backward".
    """

    def __init__(self, source: Text, node: ast.Call) -> None:
        self._source = source
        self.node = node
        self.name = source.names.dotted(node.func)
        self._changes: Changes | None = None

    @property
    def line(self) -> int:
        """Number of its first line."""
        return self.node.lineno

    @property
    def callee(self) -> str:
        """What is called, as it is written."""
        return self._source.text_of(self.node.func)

    @property
    def statement(self) -> Statement:
        """The innermost statement around it."""
        return statement_of(self._source, self.node)

    @property
    def function(self) -> Statement | None:
        """The innermost function around it; None at module level."""
        return function_around(self._source, self.node)

    @property
    def loops(self) -> list[Statement]:
        """The loops around it in the same function, innermost first."""
        return loops_around(self._source, self.node)

    @property
    def keywords(self) -> dict[str, ast.expr]:
        """Values by keyword, in their order; without `**` ones."""
        return {each.arg: each.value for each in self.node.keywords if each.arg}

    @property
    def is_open(self) -> bool:
        """Whether it takes `*args` or `**kwargs`, so that not all arguments can be seen."""
        starred = any(isinstance(each, ast.Starred) for each in self.node.args)
        return starred or any(each.arg is None for each in self.node.keywords)

    def argument(self, name: str, position: int | None = None) -> ast.expr | None:
        """Return the value given by keyword, or at a position counted from 0; None: neither can be seen."""
        if name in self.keywords:
            return self.keywords[name]
        before = self.node.args[: len(self.node.args) if position is None else position + 1]
        starred = any(isinstance(each, ast.Starred) for each in before)
        return before[position] if position is not None and position < len(before) and not starred else None

    def swap(self, dotted: str) -> str:
        """Call another importable thing, with an import if it needs one; arguments stay.

        Returns:
            The new callee, as it is written.

        Raises:
            Unmet: The names that it needs mean something else in this file.
        """
        func, module = self.node.func, dotted.rpartition(".")[0]
        if isinstance(func, ast.Attribute) and module and module == self.name.rpartition(".")[0]:
            new = f"{self._source.text_of(func.value)}.{dotted.rpartition('.')[2]}"
        else:
            new = name_for(self._source, dotted, self.node)
        self._source.replace(func, new)
        return new

    def set(self, name: str, value: Value, position: int | None = None) -> None:
        """Set a keyword, or the argument at a position if it is given there; add the keyword if it is not there.

        Args:
            name: The keyword.
            value: A number, True, False or None; a str is an expression, such as "args.lr" or code.literal("cosine").
            position: Counted from 0; None: it can be given by keyword only.

        Raises:
            Unmet: It may be hidden in `*args` or `**kwargs`, or the call is over a generator expression.
        """
        at = self.argument(name, position)
        if at is None and self.is_open:
            raise self._source.unmet(f"{self.callee} may get {name} through * or **", self.node, "name it in the call")
        if at is None and len(self.node.args) == 1 and isinstance(self.node.args[0], ast.GeneratorExp):
            raise self._source.unmet(f"{self.callee} is over a generator expression", self.node)
        key: str | int = name if at is None or name in self.keywords else position or 0
        self._change().values[key] = spelled(value)

    def remove(self, *names: str) -> None:
        """Remove keywords; those that are not there are no matter."""
        self._change().removed.update(name for name in names if name in self.keywords)

    def keep(self, *names: str) -> None:
        """Remove all keywords but some."""
        self.remove(*(self.keywords.keys() - set(names)))

    def replace(self, expression: str) -> None:
        """Put another expression in place of the whole call."""
        self._source.replace(self.node, expression)

    def _change(self) -> Changes:
        if self._changes is None:
            changes = self._changes = Changes()
            start, end = self._source.span(self.node.func)[1], self._source.span(self.node)[1]
            begin = self._source.line_span(self.node.func.end_lineno or self.line, self.line)[0]
            column = len(self._source.content[begin:start].decode())
            ending = self._source.ending
            self._source.edits.rework(
                (start, end), lambda inside: changed(inside.decode(), changes, column, ending).encode()
            )
        return self._changes
