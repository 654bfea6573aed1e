"""Source text to a syntax tree, or to the reason why there is none. Bounded; for the confined worker only."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MOST_PARSED: Final = 1 * 2**20


@dataclass(frozen=True, slots=True)
class Parsed:
    """A Python file as far as it could be read.

    Attributes:
        tree: Its syntax tree; None if there is none.
        problem: Why: "invalid syntax".
        line: Where, from 1; 0 if that is not known.
        is_grammar: Whether it is one that another version of Python might not have.
    """

    tree: ast.Module | None
    problem: str = ""
    line: int = 0
    is_grammar: bool = False


@lru_cache(maxsize=16)
def parse(content: bytes) -> Parsed:
    """Parse Python with the running interpreter's grammar. Never raises for what the file holds."""
    if len(content) > MOST_PARSED:
        return Parsed(None, f"too large to be parsed ({len(content):,} bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Parsed(ast.parse(content))
    except SyntaxError as error:
        return Parsed(None, error.msg or "invalid syntax", error.lineno or 0, _is_grammar(content, error))
    except (ValueError, RecursionError, MemoryError, OverflowError, LookupError) as error:
        return Parsed(None, _named(error))


def _is_grammar(content: bytes, error: SyntaxError) -> bool:
    limits = ("too many", "too deeply", "Exceeds the limit", "encoding", "unicode error")
    return not isinstance(error, IndentationError) and not any(word in (error.msg or "") for word in limits)


def _named(error: Exception) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "nested too deeply"
    return str(error)[:200] or type(error).__name__


def is_python(path: str) -> bool:
    """Tell by its name whether a file is Python source."""
    return path.endswith((".py", ".pyi", ".pyw"))
