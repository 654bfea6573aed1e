"""ruff's answer as findings: read with suspicion, compared with those of the base tree.

Running ruff belongs to `gate.lint`, weighing what it says to `explain.weigh`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from nightlab.controller.errors import LinkError
from nightlab.controller.gate.rules import SYNTAX
from nightlab.controller.model.trial import Finding

MOST_FINDINGS: Final = 100_000
MESSAGE_CHARS: Final = 1000
FIX_CHARS: Final = 300
MOST_LINE: Final = 10_000_000
_CODE: Final = re.compile(r"[A-Z]{1,6}[0-9]{1,4}|[a-z-]{1,40}")
# `from line 12`, `on line 12`, `:12:`: a finding that moved, or whose other half did, is the same finding.
_NUMBERED: Final = re.compile(r"\b(lines?|columns?|row)\s+\d+|:\d+(?::\d+)?\b")


def parse_findings(output: bytes, root: str, paths: Collection[str]) -> list[Finding]:
    """Read ruff's JSON, an object a line; it comes out of a sandbox, so nothing in it is believed to be well formed.

    Args:
        output: What ruff printed.
        root: Directory in which it ran.
        paths: The files that it was given.

    Raises:
        LinkError: It is not what ruff prints, or speaks of a file that it was not given.
    """
    try:
        lines = [line for line in output.decode().split("\n") if line.strip()]
        if len(lines) > MOST_FINDINGS:
            raise ValueError(f"{len(lines)} diagnostics; {MOST_FINDINGS} are the most")
        locate = locator(root, paths)
        return [_finding(json.loads(line), locate) for line in lines]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise LinkError(
            f"ruff in the sandbox answered something that is no diagnostic: {error!r:.200}",
            hint="the toolbox or the image is damaged; `nightlab doctor` looks at both",
        ) from error


def new_findings(
    findings: Iterable[Finding], base: Iterable[Finding], renamed: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """Return the findings that the base tree does not have.

    Lines move, so a finding is the same if its code, file and message are, numbers of lines aside; of several alike,
    the last are new.

    Args:
        findings: Of the tree.
        base: Of the base tree.
        renamed: Path in the tree -> path in the base tree, of files that moved with their content.
    """
    known = Counter(_key(finding, finding.path) for finding in base)
    new = []
    for finding in findings:
        key = _key(finding, (renamed or {}).get(finding.path, finding.path))
        if known[key] > 0:
            known[key] -= 1
        else:
            new.append(finding)
    return tuple(new)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by place."""
    return tuple(sorted(findings, key=lambda f: (f.path, f.line, f.column, f.code)))


def locator(root: str, paths: Collection[str]) -> Callable[[str], str]:
    """Return what turns ruff's absolute names into paths of the tree, also where the root is behind a link.

    It raises ValueError for a name of no such path.
    """
    known = frozenset(paths)
    prefix = root.rstrip("/") + "/"

    def locate(filename: str) -> str:
        direct = filename.removeprefix(prefix)
        if direct in known:
            return direct
        parts = filename.split("/")
        behind = next((path for start in range(1, len(parts)) if (path := "/".join(parts[start:])) in known), None)
        if behind is None:
            raise ValueError(f"it names {filename[:200]!r}, which is not in the tree")
        return behind

    return locate


def _key(finding: Finding, path: str) -> tuple[str, str, str]:
    return finding.code, path, _NUMBERED.sub(r"\1 #", finding.message)


def _finding(item: dict[str, object], locate: Callable[[str], str]) -> Finding:
    line, column = _place(item.get("location"), (1, 1))
    end_line, end_column = _place(item.get("end_location"), (line, column))
    code = str(item.get("code") or item.get("name") or SYNTAX)
    if not _CODE.fullmatch(code):
        raise ValueError(f"it names a rule {code[:40]!r}")
    return Finding(
        code,
        locate(str(item["filename"])),
        line,
        column,
        str(item["message"])[:MESSAGE_CHARS],
        end_line=end_line,
        end_column=end_column,
        rule=str(item.get("name") or "")[:80],
        fix=_fix(item.get("fix")),
        url=str(item.get("url") or "")[:200],
    )


def _place(location: object, default: tuple[int, int]) -> tuple[int, int]:
    if location is None:
        return default
    if not isinstance(location, dict):
        raise TypeError(f"a location that is a {type(location).__name__}")
    line, column = int(location["row"]), int(location["column"])
    if not (0 <= line <= MOST_LINE and 0 <= column <= MOST_LINE):
        raise ValueError(f"a location at {line}:{column}")
    return line, column


def _fix(fix: object) -> str:
    return str(fix.get("message") or "")[:FIX_CHARS] if isinstance(fix, dict) else ""
