"""Path globs as the contracts use them: one definition for the host, the sandbox and plugins.

'*' and '?' stay within one part of a path, '**' crosses directories, '[...]' is a set of characters. A pattern is
relative to the root and matches whole paths: "*.py" is a file at the root, "**/*.py" one at any depth.
"""

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(path: str, pattern: str) -> bool:
    """Tell whether a relative path ('/' between parts) is matched by one pattern."""
    return _compiled(pattern).fullmatch(path) is not None


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether at least one pattern matches; none at all match nothing."""
    return any(matches(path, pattern) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = pattern.split("/")
    pieces = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            pieces.append(".*" if last else "(?:[^/]+/)*")
        else:
            pieces.append(_part(part) + ("" if last else "/"))
    return re.compile("".join(pieces), re.DOTALL)


def _part(part: str) -> str:
    out, index = [], 0
    while index < len(part):
        char = part[index]
        end = part.find("]", index + 2)
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and end > 0:
            out.append(_set(part[index + 1 : end]))
            index = end
        else:
            out.append(re.escape(char))
        index += 1
    return "".join(out)


def _set(body: str) -> str:
    negate = body[0] in "!^"
    chars = re.sub(r"([\\\[\]&~|^])", r"\\\1", body[1:] if negate else body)
    return f"(?!/)[{'^' if negate else ''}{chars}]"
