"""The known tools beside ruff, a row each: what it may be asked for, and how it is run without any config of the host.

All of them are parsers in Python and run in this process, which is the confined worker. One that is not installed is
a row that is passed over and named.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from nightlab.controller.explain.who.config import section
from nightlab.controller.explain.who.likeness import Part, parts, reaches
from nightlab.controller.explain.who.workshop import Workshop

Settings = tuple[str, ...]
REPO_SECTION: Final = "--config=the repo's"
MOST_BYTES: Final = 512 * 1024
_WIDTHS: Final = (79, 100, 120)


@dataclass(frozen=True, slots=True)
class Tool:
    """A row.

    Attributes:
        name: As people call it.
        module: What must be importable.
        variants: Option sets worth trying, the likeliest first.
        rewrite: (workshop, path, source, settings) -> new source.
        may_make: Whether a place of a change is like what it writes.
        most: The options under which it changes most: what these leave alone no others change. None: there are none.
        width: Its option for the length of a line; empty: it has none.
    """

    name: str
    module: str
    variants: Callable[[Workshop], Iterator[Settings]]
    rewrite: Callable[[Workshop, str, str, Settings], str]
    may_make: Callable[[Part], bool]
    most: Settings | None = None
    width: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether it can be run at all."""
        return find_spec(self.module) is not None

    def may_have_written(self, shop: Workshop, path: str, before: bytes, after: bytes, *, all_of_it: bool) -> bool:
        """Tell whether it is worth trying on a change: whether it may have made a part of it, or all of it."""
        like = [self.may_make(part) for part in parts(before, after)]
        if not (all(like) if all_of_it else any(like)):
            return False
        made = self.run(shop, path, before, self.most) if self.most is not None else None
        return made is None or reaches(before, after, made)[int(all_of_it)]

    def fitted(self, widths: Iterable[int]) -> Iterator[Settings]:
        """Yield option sets with other lengths of a line."""
        yield from ((f"{self.width}={width}",) for width in widths if self.width)

    def run(self, shop: Workshop, path: str, content: bytes, settings: Settings) -> bytes | None:
        """Return the file after the tool; None if it cannot read it."""
        if not self.is_installed or len(content) > MOST_BYTES or shop.is_over:
            return None
        mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
        has_crlf = b"\r\n" in content
        try:
            text = content.removeprefix(mark).decode().replace("\r\n", "\n")
            made = self.rewrite(shop, path, text, settings)
        except (Exception, SystemExit):
            # Five foreign parsers with errors of their own, and a file that may be anything: no answer.
            return None
        return mark + (made.replace("\n", "\r\n") if has_crlf else made).encode()


def _values(settings: Settings, name: str) -> list[str]:
    return [each.partition("=")[2] for each in settings if each.startswith(f"{name}=")]


def _width(settings: Settings, otherwise: int) -> int:
    return int((_values(settings, "--line-length") or [str(otherwise)])[0])


def _section(shop: Workshop, tool: str, settings: Settings) -> Mapping[str, Any]:
    return section(shop.repo_config, tool) if REPO_SECTION in settings else {}


def _own(shop: Workshop, tool: str) -> Iterator[Settings]:
    if section(shop.repo_config, tool):
        yield (REPO_SECTION,)


# isort -----------------------------------------------------------------------------------------------------------

_ISORT_KEYS: Final = {
    "profile": str, "line_length": int, "wrap_length": int, "multi_line_output": int, "indent": str,
    "include_trailing_comma": bool, "force_grid_wrap": int, "use_parentheses": bool, "force_single_line": bool,
    "ensure_newline_before_comments": bool, "force_sort_within_sections": bool, "lines_after_imports": int,
    "lines_between_types": int, "lines_between_sections": int, "combine_as_imports": bool, "order_by_type": bool,
    "force_alphabetical_sort_within_sections": bool, "force_alphabetical_sort": bool, "case_sensitive": bool,
    "known_first_party": frozenset, "known_third_party": frozenset, "known_local_folder": frozenset,
    "known_standard_library": frozenset, "extra_standard_library": frozenset, "sections": tuple,
    "default_section": str, "no_lines_before": frozenset, "force_to_top": frozenset, "add_imports": frozenset,
    "remove_imports": frozenset, "float_to_top": bool, "length_sort": bool, "reverse_relative": bool,
    "from_first": bool, "no_sections": bool, "combine_star": bool, "atomic": bool, "star_first": bool,
    "force_adds": bool, "remove_redundant_aliases": bool, "only_modified": bool, "group_by_package": bool,
}  # fmt: skip


def _isort_variants(shop: Workshop) -> Iterator[Settings]:
    yield from _own(shop, "isort")
    yield ()
    for profile in ("black", "google", "pycharm"):
        yield (f"--profile={profile}",)
    for width in _WIDTHS:
        yield ("--profile=black", f"--line-length={width}")
    yield ("--force-single-line-imports",)


def _isort(shop: Workshop, path: str, source: str, settings: Settings) -> str:
    isort = importlib.import_module("isort")
    options: dict[str, Any] = {}
    for key, value in _section(shop, "isort", settings).items():
        kind = _ISORT_KEYS.get(key)
        if kind is not None:
            options[key] = _as(kind, value)
    if profiles := _values(settings, "--profile"):
        options["profile"] = profiles[0]
    if widths := _values(settings, "--line-length"):
        options["line_length"] = int(widths[0])
    options |= {"force_single_line": True} if "--force-single-line-imports" in settings else {}
    folders = (shop.folder, shop.folder / "src")
    config = isort.Config(directory=str(shop.folder), src_paths=folders, **options)
    return str(isort.code(source, config=config, file_path=Path(path), disregard_skip=True))


def _as(kind: type, value: Any) -> Any:
    if kind is bool:
        return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "true", "yes", "on")
    if kind in (tuple, frozenset):
        return kind(value if isinstance(value, list) else [each for each in re.split(r"[,\s]+", str(value)) if each])
    return kind(value)


# black -----------------------------------------------------------------------------------------------------------


def _black_variants(shop: Workshop) -> Iterator[Settings]:
    yield from _own(shop, "black")
    yield ()
    for width in _WIDTHS:
        yield (f"--line-length={width}",)
    yield ("--skip-string-normalization",)
    yield ("--preview",)


def _black(shop: Workshop, path: str, source: str, settings: Settings) -> str:
    black = importlib.import_module("black")
    own = _section(shop, "black", settings)
    names = own.get("target_version", [])
    targets = {black.TargetVersion[str(name).upper()] for name in (names if isinstance(names, list) else [names])}
    mode = black.Mode(
        target_versions=targets,
        line_length=_width(settings, int(own.get("line_length", 88))),
        string_normalization=not own.get("skip_string_normalization", "--skip-string-normalization" in settings),
        magic_trailing_comma=not own.get("skip_magic_trailing_comma", False),
        preview=bool(own.get("preview", "--preview" in settings)),
        is_pyi=path.endswith(".pyi"),
    )
    return str(black.format_str(source, mode=mode))


# autoflake -------------------------------------------------------------------------------------------------------

_AUTOFLAKE_FLAGS: Final = {
    "--remove-all-unused-imports": "remove_all_unused_imports",
    "--remove-unused-variables": "remove_unused_variables",
    "--remove-duplicate-keys": "remove_duplicate_keys",
    "--remove-rhs-for-unused-variables": "remove_rhs_for_unused_variables",
    "--expand-star-imports": "expand_star_imports",
}


def _autoflake_variants(shop: Workshop) -> Iterator[Settings]:
    imports, variables, keys, rhs, star = _AUTOFLAKE_FLAGS
    yield from _own(shop, "autoflake")
    yield from ((), (imports,), (variables,), (imports, variables), (keys,), (imports, variables, keys))
    yield from ((variables, rhs), (imports, variables, rhs), (star,), (imports, star), tuple(_AUTOFLAKE_FLAGS))


def _autoflake(shop: Workshop, path: str, source: str, settings: Settings) -> str:
    autoflake = importlib.import_module("autoflake")
    own = _section(shop, "autoflake", settings)
    flags = {key: flag in settings or bool(_as(bool, own.get(key, False))) for flag, key in _AUTOFLAKE_FLAGS.items()}
    return str(autoflake.fix_code(source, **flags))


# autopep8 and pyupgrade ------------------------------------------------------------------------------------------


# All words that autopep8 adds anywhere: `is None`, `not in`, `def` for a lambda, `except Exception`, r"" and the like.
_IDIOMS: Final = frozenset(
    ("is", "None", "not", "in", "def", "return", "import", "isinstance", "Exception", "BaseException", "type", "r")
)
_AUTOPEP8_MOST: Final = ("--aggressive", "--aggressive", "--aggressive", "--max-line-length=60")


def _is_idiom(part: Part) -> bool:
    return part.is_layout or part.new_words <= _IDIOMS


def _autopep8_variants(shop: Workshop) -> Iterator[Settings]:
    yield from _own(shop, "autopep8")
    once = "--aggressive"
    yield from ((), (once,), (once, once), (once, once, once))
    for width in (100, 120):
        yield (f"--max-line-length={width}",)
        yield (once, f"--max-line-length={width}")


def _autopep8(shop: Workshop, path: str, source: str, settings: Settings) -> str:
    autopep8 = importlib.import_module("autopep8")
    own = _section(shop, "autopep8", settings)
    listed = [f"--{key.replace('_', '-')}={own[key]}" for key in ("max_line_length", "ignore", "select") if key in own]
    listed += ["--aggressive"] * int(own.get("aggressive", 0))
    arguments = [*listed, *(each for each in settings if each != REPO_SECTION), path]
    return str(autopep8.fix_code(source, options=autopep8.parse_args(arguments, apply_config=False)))


def _pyupgrade_variants(shop: Workshop) -> Iterator[Settings]:
    minor = min(max(shop.python[1], 8), 15) if shop.python else 11
    older = range(minor, 5, -1)
    newer = range(minor + 1, 16)
    yield ()
    for each in (*older, *newer):
        yield (f"--py3{each}-plus",)
    yield ("--py3-plus",)
    for flag in ("--keep-runtime-typing", "--keep-percent-format"):
        yield (f"--py3{minor}-plus", flag)


def _pyupgrade(shop: Workshop, path: str, source: str, settings: Settings) -> str:
    main = importlib.import_module("pyupgrade._main").main
    with tempfile.TemporaryDirectory(dir=shop.folder) as folder:
        place = Path(folder) / Path(path).name
        place.write_bytes(source.encode())
        with contextlib.redirect_stderr(io.StringIO()):
            main([*settings, "--exit-zero-even-if-changed", str(place)])
        return place.read_bytes().decode()


TOOLS: Final[dict[str, Tool]] = {
    tool.name: tool
    for tool in (
        Tool("isort", "isort", _isort_variants, _isort, lambda part: part.is_imports),
        Tool("black", "black", _black_variants, _black, lambda part: part.is_layout, width="--line-length"),
        Tool(
            "autoflake", "autoflake", _autoflake_variants, _autoflake, lambda part: part.is_removal,
            tuple(_AUTOFLAKE_FLAGS),
        ),
        Tool(
            "pyupgrade", "pyupgrade", _pyupgrade_variants, _pyupgrade, lambda part: bool(part.before),
            ("--py315-plus",),
        ),
        Tool("autopep8", "autopep8", _autopep8_variants, _autopep8, _is_idiom, _AUTOPEP8_MOST),
    )
}  # fmt: skip


def names_of_repo(shop: Workshop) -> frozenset[str]:
    """Return the tools that the repo's own configs name, "ruff" among them."""
    text = b"\n".join(content[:MOST_BYTES] for path, content in shop.repo_config.items())
    names = {name for name in (*TOOLS, "ruff") if name.encode() in text}
    return frozenset(names | ({"ruff"} if shop.has_ruff_config else set()))


def in_likely_order(shop: Workshop) -> list[Tool]:
    """Return the rows, those that the repo's own configs name first."""
    named = names_of_repo(shop)
    return sorted(TOOLS.values(), key=lambda tool: tool.name not in named)
