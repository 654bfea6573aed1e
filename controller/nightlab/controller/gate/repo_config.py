"""What a repo's own settings would do to its files: ruff's config, hooks and targets that rewrite. Data for the report.

Nothing here is used by the gate: ruff runs isolated from it. A config that cannot be read is a note, never an error.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nightlab.controller.text import inert

RUFF_FILES: Final = (".ruff.toml", "ruff.toml", "pyproject.toml")  # the first of them in a directory is the one
MOST_BYTES: Final = 256 * 1024
MOST_FILES: Final = 50
SHOWN: Final = 60
_TOOLS: Final = (
    r"ruff\s+(?:check\b[^\n]*--fix|format)|black|isort|autoflake|autopep8|pyupgrade|yapf|docformatter|pre-commit\s+run"
)
_COMMAND: Final = re.compile(rf"(?<![\w-])({_TOOLS})(?![\w-])")
_HOOK_ID: Final = re.compile(r"^\s*-?\s*id:\s*[\"']?([\w.-]{1,60})[\"']?", re.MULTILINE)
_WRITING_HOOKS: Final = re.compile(
    r"ruff|ruff-check|ruff-format|black|isort|autoflake|autopep8|pyupgrade|yapf|docformatter|end-of-file-fixer|"
    r"trailing-whitespace|mixed-line-ending|prettier|add-trailing-comma|absolufy-imports|reorder-python-imports"
)
_TARGET: Final = re.compile(
    r"^([\w.-]*(?:format|fmt|fix|style|lint)[\w.-]*)\s*:(?!=)[^\n]*\n((?:[ \t]+[^\n]*\n?)*)", re.MULTILINE
)
_REQUIRES: Final = re.compile(r"^\s*python_requires\s*=\s*([^\n#]{1,100})", re.MULTILINE)
_HOOK_FILES: Final = (".pre-commit-config.yaml", ".pre-commit-config.yml")
_SCRIPTS: Final = (
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    "package.json",
    "tox.ini",
    "justfile",
    "noxfile.py",
)


@dataclass(frozen=True, slots=True)
class RepoConfig:
    """What the repo's own settings say.

    Attributes:
        path: Of the ruff config that applies at the top; empty: none.
        unread: Path of the settings at the top that cannot be read and come before any others; empty: none.
        selects: Rules that it selects, as written; empty: ruff's defaults.
        fixes: Whether it says `fix = true`.
        unsafe_fixes: Whether it says `unsafe-fixes = true`.
        formats: Whether it configures the formatter.
        target_version: Its own target, "py39"; empty: none.
        requires_python: As pyproject.toml or setup.cfg says; empty: neither does.
        notes: For a person: what is broken, pinned, or would rewrite files.
    """

    path: str = ""
    unread: str = ""
    selects: tuple[str, ...] = ()
    fixes: bool = False
    unsafe_fixes: bool = False
    formats: bool = False
    target_version: str = ""
    requires_python: str = ""
    notes: tuple[str, ...] = ()


def read_repo_config(files: Mapping[str, bytes], *, ruff_version: str = "") -> RepoConfig:
    """Read what the repo says of linters and formatters.

    Args:
        files: Contents by path; files that are no settings are ignored.
        ruff_version: Of the pinned ruff, to compare `required-version` with; empty: not compared.
    """
    notes: list[str] = []
    read = {path: _toml(path, content, notes) for path, content in _settings(files)}
    tables = {path: table for path, table in read.items() if table is not None}
    found = {path: ruff for path, table in tables.items() if (ruff := _ruff_table(path, table)) is not None}
    broken = read.keys() - tables.keys()
    top = next((name for name in RUFF_FILES if name in found or name in broken), "")
    deeper = [path for path in found if "/" in path]
    if deeper:
        notes.append(f"directories have ruff configs of their own: {_some(deeper)}")
    notes += _self_formatting(files)
    notes += [f"{_shown(path)} {text}" for path, table in found.items() for text in _remarks(table, ruff_version)]
    ruff = found.get(top, {})
    lint = _table(ruff.get("lint"))
    return RepoConfig(
        path="" if top in broken else top,
        unread=top if top in broken else "",
        selects=_words(lint.get("select", ruff.get("select")))
        + _words(lint.get("extend-select", ruff.get("extend-select"))),
        fixes=ruff.get("fix") is True,
        unsafe_fixes=ruff.get("unsafe-fixes") is True,
        formats="format" in ruff,
        target_version=_text(ruff.get("target-version"), 10),
        requires_python=_requires(tables.get("pyproject.toml", {}), files),
        notes=tuple(notes),
    )


def is_setting(path: str) -> bool:
    """Tell whether a file may say something of linters and formatters."""
    name = posixpath.basename(path)
    if name in RUFF_FILES:
        return True
    top = (*_HOOK_FILES, *_SCRIPTS, "setup.cfg", "Makefile", "makefile", "GNUmakefile")
    return path in top or path.startswith(".husky/")


def _settings(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    paths = sorted((p for p in files if posixpath.basename(p) in RUFF_FILES), key=lambda p: (p.count("/"), p))
    yield from ((path, files[path]) for path in paths[:MOST_FILES])


def _toml(path: str, content: bytes, notes: list[str]) -> dict[str, Any] | None:
    """Return a file's table; None, with a note, if it cannot be read."""
    if len(content) > MOST_BYTES:
        notes.append(f"{_shown(path)} is not read: {len(content):,} bytes")
        return None
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        notes.append(
            f"{_shown(path)} cannot be read, so ruff of the repo's own would refuse to run: {inert(str(error), 120)}"
        )
        return None


def _ruff_table(path: str, table: dict[str, Any]) -> dict[str, Any] | None:
    if not path.endswith("pyproject.toml"):
        return table
    ruff = _table(table.get("tool")).get("ruff")
    return ruff if isinstance(ruff, dict) else None


def _remarks(ruff: dict[str, Any], ruff_version: str) -> Iterator[str]:
    wanted = _text(ruff.get("required-version"), 40)
    if wanted and ruff_version and not _allows(wanted, ruff_version):
        yield f"asks for ruff {wanted}; the gate's is {ruff_version}, and runs without that file"
    if ruff.get("fix") is True:
        word = "unsafe fixes too" if ruff.get("unsafe-fixes") is True else "safe fixes"
        yield f"says fix = true: a bare `ruff check` there rewrites files ({word})"
    if ruff.get("preview") is True or _table(ruff.get("lint")).get("preview") is True:
        yield "turns preview rules on"


def _self_formatting(files: Mapping[str, bytes]) -> Iterator[str]:
    """Say once what rewrites the repo's files."""
    found = dict.fromkeys(each for path, content in sorted(files.items()) for each in _writers(path, content))
    if found:
        yield f"this repo formats itself with {_some(list(found))}"


def _writers(path: str, content: bytes) -> Iterator[str]:
    if len(content) > MOST_BYTES:
        return
    text = content.decode(errors="replace")
    if path in _HOOK_FILES:
        yield from (f"{m[1]} (pre-commit)" for m in _HOOK_ID.finditer(text) if _WRITING_HOOKS.fullmatch(m[1]))
    elif posixpath.basename(path).lower() in {"makefile", "gnumakefile"} and "/" not in path:
        for target in _TARGET.finditer(text):
            yield from (f"{_tool(m[1])} (make {inert(target[1], 30)})" for m in _COMMAND.finditer(target[2]))
    elif path in _SCRIPTS or path.startswith(".husky/"):
        yield from (f"{_tool(m[1])} ({_shown(path)})" for m in _COMMAND.finditer(text))


def _requires(pyproject: dict[str, Any], files: Mapping[str, bytes]) -> str:
    """Return the repo's word on its Python: PEP 621, Poetry, setup.cfg."""
    said = _text(_table(pyproject.get("project")).get("requires-python"), 100)
    poetry = _table(_table(_table(pyproject.get("tool")).get("poetry")).get("dependencies")).get("python")
    match = _REQUIRES.search(files.get("setup.cfg", b"")[:MOST_BYTES].decode(errors="replace"))
    return said or _text(poetry, 100) or (match[1].strip() if match else "")


def _allows(wanted: str, version: str) -> bool:
    """Tell whether a pin allows a version; of ranges only their bounds are compared."""
    have = _numbers(version)
    for clause in wanted.split(","):
        match = re.fullmatch(r"\s*(==|>=|<=|~=|!=|>|<)?\s*([\d.]+)\s*", clause)
        if match is None:
            return False
        bound = _numbers(match[2])
        least = {"==": have == bound, "": have == bound, ">=": have >= bound, "<=": have <= bound, "!=": have != bound}
        more = {">": have > bound, "<": have < bound, "~=": have >= bound and have[: len(bound) - 1] == bound[:-1]}
        if not {**least, **more}[match[1] or ""]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit() and len(part) < 10)


def _tool(command: str) -> str:
    return " ".join(command.split()[:2]) if command.startswith(("ruff", "pre-commit")) else command.split()[0]


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any, most: int) -> str:
    return inert(value, most) if isinstance(value, str) else ""


def _words(value: Any) -> tuple[str, ...]:
    return tuple(inert(each, 20) for each in value[:200] if isinstance(each, str)) if isinstance(value, list) else ()


def _shown(path: str) -> str:
    return inert(path, SHOWN)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(inert(name, SHOWN) for name in names[:6]) + more
