"""Takes a second look at findings of some files, and looks for what nightlab's own rules say of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from nightlab.controller.explain.weigh.annotations import not_an_axis
from nightlab.controller.explain.weigh.calls import wrong_calls
from nightlab.controller.explain.weigh.defaults import moment_default, shared_default
from nightlab.controller.explain.weigh.effects import (
    changed_while_walked,
    debugger,
    flags_as_count,
    loop_else,
    no_effect,
    not_the_nan_test,
    outlives_its_loop,
    uncalled_method,
)
from nightlab.controller.explain.weigh.literals import (
    all_is_a_string,
    comma_is_missing,
    comma_makes_tuple,
    f_is_missing,
    field_twice,
    key_twice,
)
from nightlab.controller.explain.weigh.modules import Modules
from nightlab.controller.explain.weigh.names import (
    assigned_to_itself,
    defined_twice,
    hidden_builtin,
    inner_loop_overwrites,
    loop_hides_import,
    loop_overwrites_its_iterable,
    mistyped,
    named_twice,
)
from nightlab.controller.explain.weigh.results import missing_results
from nightlab.controller.explain.weigh.signatures import Resolver
from nightlab.controller.explain.weigh.slips import (
    colon_for_equals,
    lost_coroutine,
    lost_list,
    text_as_number,
    unreachable,
)
from nightlab.controller.explain.weigh.source import Source
from nightlab.controller.explain.weigh.stars import not_in_star
from nightlab.controller.explain.weigh.weighed import Found, Kept

Weight = Callable[[Found, Source], Kept]
WEIGHTS: Final[dict[str, Weight]] = {
    "A001": hidden_builtin,
    "B006": shared_default,
    "B008": moment_default,
    "B015": no_effect,
    "B018": no_effect,
    "B020": loop_overwrites_its_iterable,
    "B023": outlives_its_loop,
    "B034": flags_as_count,
    "B909": changed_while_walked,
    "COM818": comma_makes_tuple,
    "F402": loop_hides_import,
    "F601": key_twice,
    "F602": key_twice,
    "F722": not_an_axis,
    "F811": defined_twice,
    "F821": not_an_axis,
    "F841": mistyped,
    "ISC004": comma_is_missing,
    "PIE794": field_twice,
    "PLE0211": uncalled_method,
    "PLE0605": all_is_a_string,
    "PLR0124": not_the_nan_test,
    "PLW0120": loop_else,
    "PLW0127": assigned_to_itself,
    "PLW0128": named_twice,
    "PLW2901": inner_loop_overwrites,
    "RUF009": moment_default,
    "RUF027": f_is_missing,
    "T100": debugger,
}
STARS: Final = "F405"
CAUTIOUS: Final = frozenset({"F722", "F821"})  # they stand unless the program shows that they are wrong
MOST_OWN: Final = 2_000


def weigh(files: Mapping[str, bytes], found: Iterable[Found], paths: Collection[str] = ()) -> list[Found]:
    """Return those findings that bite, with words added that say why.

    Args:
        files: Contents of the files that the findings are in, and of those that they import.
        found: Findings of rules that need weighing.
        paths: All paths of the tree.
    """
    modules = Modules(files, paths)
    return [kept for each in found if (kept := _weighed(each, modules)) is not None]


def own_findings(files: Mapping[str, bytes], looked_at: Sequence[str], paths: Collection[str] = ()) -> list[Found]:
    """Return what nightlab's own rules find.

    Args:
        files: As of `weigh`.
        looked_at: The files to look through; the others are only looked up.
        paths: As of `weigh`.
    """
    modules = Modules(files, paths)
    resolver = Resolver(modules)
    found: list[Found] = []
    for path in looked_at:
        source = modules.source(path)
        if source is not None:
            found += _own(source, resolver)
    return sorted(found, key=lambda f: (f.path, f.line, f.column, f.code))[:MOST_OWN]


def _weighed(found: Found, modules: Modules) -> Found | None:
    source = modules.source(found.path)
    if source is None:
        return found if found.code in CAUTIOUS else None
    try:
        kept = not_in_star(found, source, modules) if found.code == STARS else WEIGHTS[found.code](found, source)
    except (RecursionError, ValueError):
        return None  # too deep or too large to be looked at: no ground to stop a launch
    return None if kept is None else replace(found, message=_joined(found.message, kept))


def _own(source: Source, resolver: Resolver) -> Iterator[Found]:
    try:
        yield from wrong_calls(source, resolver)
        yield from missing_results(source, resolver)
        yield from lost_coroutine(source, resolver)
        for rule in (text_as_number, unreachable, colon_for_equals, lost_list):
            yield from rule(source)
    except (RecursionError, ValueError):
        return


def _joined(message: str, words: str) -> str:
    return f"{message}{'' if words.startswith((';', ':')) or not words else ', '}{words}"
