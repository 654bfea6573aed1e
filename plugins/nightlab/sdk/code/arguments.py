"""Changes the arguments in the text of a call, in the manner in which they are written there: one line or one each.

libcst tells where an argument ends and which commas, line breaks and comments follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst


@dataclass(slots=True)
class Changes:
    """What is asked of a call.

    Attributes:
        values: New expression by keyword, or by index of a positional argument.
        removed: Keywords that go.
    """

    values: dict[str | int, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Piece:
    name: str
    body: str
    tail: str


def changed(text: str, changes: Changes, column: int, ending: str) -> str:
    """Return "(...)" with other arguments.

    Args:
        text: Parentheses of the call and what is between them.
        changes: What to do.
        column: Of the opening parenthesis, in characters from the beginning of its line.
        ending: The line break of the file.
    """
    head, pieces, end = _read(text)
    kept = _without(pieces, changes.removed)
    for name, value in changes.values.items():
        found = _find(kept, name)
        if found is not None:
            found.body = (
                f"{found.name} = {value}" if found.body.startswith(f"{found.name} ") else _spelled(found, value)
            )
        else:
            _add(kept, _Piece(str(name), f"{name}={value}", ""), len(head) + column, ending, head)
    return head + "".join(piece.body + piece.tail for piece in kept) + end


def _read(text: str) -> tuple[str, list[_Piece], str]:
    expression = cst.parse_expression("f" + text)
    assert isinstance(expression, cst.Call)
    module = cst.Module([])
    pieces = [_piece(module, argument) for argument in expression.args]
    length = sum(len(piece.body) + len(piece.tail) for piece in pieces)
    begin = len(text) - 1 - length
    return text[:begin], pieces, text[begin + length :]


def _piece(module: cst.Module, argument: cst.Arg) -> _Piece:
    whole = module.code_for_node(argument)
    bare = argument.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=cst.SimpleWhitespace(""))
    body = module.code_for_node(bare)
    return _Piece(_name(argument), body, whole[len(body) :])


def _name(argument: cst.Arg) -> str:
    return argument.keyword.value if argument.keyword else argument.star


def _find(pieces: list[_Piece], name: str | int) -> _Piece | None:
    if isinstance(name, int):
        return pieces[name]
    return next((piece for piece in pieces if piece.name == name), None)


def _spelled(piece: _Piece, value: str) -> str:
    return f"{piece.name}={value}" if piece.name else value


def _without(pieces: list[_Piece], removed: set[str]) -> list[_Piece]:
    kept = [piece for piece in pieces if piece.name not in removed]
    if kept and kept[-1] is not pieces[-1]:
        kept[-1].tail = _closing(kept[-1].tail, pieces[-1].tail)
    return kept


def _closing(tail: str, last: str) -> str:
    """What follows an argument that has become the last one; its own comment stays, that of the old last one goes."""
    if "#" in tail:
        return tail[: tail.rindex("\n") + 1] + last.rpartition("\n")[2].lstrip(",").rstrip("\r")
    if "#" not in last:
        return last
    comma = "," if last.partition("#")[0].strip() == "," else ""
    return comma + "\n" + last.rpartition("\n")[2]


def _add(pieces: list[_Piece], new: _Piece, column: int, ending: str, head: str) -> None:
    if pieces:
        before = pieces[-1]
        if "\n" in before.tail or (len(pieces) > 1 and "\n" in pieces[-2].tail):
            indent = pieces[-2].tail if len(pieces) > 1 else head
            _add_line(before, new, indent.rpartition("\n")[2] if "\n" in indent else " " * column, ending)
        else:
            before.tail, new.tail = ", ", before.tail
    pieces.append(new)


def _add_line(before: _Piece, new: _Piece, indent: str, ending: str) -> None:
    """Put an argument on its own line; a comment behind the one before stays there."""
    blank = before.tail.partition("#")[0]
    comma = "" if "," in blank else ","
    if "\n" in before.tail:
        comment, close = before.tail.rsplit("\n", 1)
        new.tail = ("" if comma else ",") + ending + close
        before.tail = comma + comment + "\n" + indent
    else:
        new.tail, before.tail = before.tail, "," + ending + indent
