"""What `nightlab plugin list` and `show` print."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from nightlab.controller.plugins.interview import ActionAnswer, PluginAnswer
    from nightlab.controller.plugins.inventory import PluginEntry

STYLES: Final = {"enabled": "green", "off": "dim", "installed": "yellow", "changed": "bold red"}


def plugin_table(entries: Sequence[PluginEntry]) -> Table:
    """Draw one row for each plugin, with its problem below."""
    table = Table.grid(padding=(0, 2))
    table.add_row(*(Text(each, style="bold") for each in ("plugin", "use", "from", "version", "lock")))
    for entry in entries:
        table.add_row(
            Text(entry.name),
            Text(entry.use, style=STYLES[entry.use]),
            Text(_origin(entry)),
            Text("" if entry.kind == "built-in" else entry.version),  # nightlab's own have nightlab's
            Text(entry.lock, style=STYLES.get(entry.lock, "")),
        )
        if entry.actions:
            table.add_row("", "", Text(f"only {', '.join(entry.actions)}", style="dim"))
    return table


def remarks(entries: Sequence[PluginEntry]) -> Iterator[str]:
    """Say what is wrong with plugins, and what would enable those that are only installed."""
    for entry in entries:
        if entry.problem:
            yield f"{entry.name}: {entry.problem}" + (f"\n  remedy: {entry.remedy}" if entry.remedy else "")
        elif entry.use == "installed":
            yield f"{entry.name} is installed and not enabled; add to nightlab.toml and search.actions:\n{entry.remedy}"


def plugin_page(answer: PluginAnswer, granted: tuple[Sequence[str], Sequence[str]] | None) -> Iterator[RenderableType]:
    """Draw one plugin: what it is, what it asked for before it ran, and each action.

    Args:
        answer: Of the plugin.
        granted: Globs that it may read and write; None for nightlab's own, which see all that is editable.
    """
    source = answer.resolved.source
    head = Table.grid(padding=(0, 2))
    head.add_row("plugin", Text(f"{source.name} {answer.version or source.version}".strip()))
    head.add_row("runs", Text(RUNS[source.kind]))
    if source.digest:
        head.add_row("digest", Text(source.digest))
    if granted is not None:
        asked = answer.resolved.asked
        head.add_row("asks to read", _globs(asked.reads) if asked.is_known else Text("it does not say", style="dim"))
        head.add_row("may read", _globs(granted[0]))
        head.add_row("asks to write", _globs(asked.writes) if asked.is_known else Text("it does not say", style="dim"))
        head.add_row("may write", _globs(granted[1]))
    yield head
    for action in answer.actions:
        yield Text()
        yield from _action(action)


RUNS: Final[Mapping[str, str]] = {
    "built-in": "in nightlab's worker process",
    "package": "as a package in a container of its own",
    "image": "as an image in a container of its own",
    "attached": "where somebody started it; it is not contained",
}


def _action(action: ActionAnswer) -> Iterator[RenderableType]:
    yield Text(action.name, style="bold")
    yield Text("\n".join(f"  {line}" for line in action.description.splitlines()))
    for name, spec in action.schema.get("properties", {}).items():
        yield Text(f"  {name}: {_parameter(spec)}")
    yield Text(f"  reads {', '.join(action.reads)}; writes {', '.join(action.writes)}", style="dim")
    if action.effects:
        yield Text(f"  expects {', '.join(action.effects)}", style="dim")
    for lack in action.lacking:
        yield Text(f"  not granted: {lack}", style="yellow")


def _parameter(spec: Mapping[str, Any]) -> str:
    if "enum" in spec:
        words = f"one of {', '.join(json.dumps(each, ensure_ascii=False) for each in spec['enum'])}"
    elif "minimum" in spec:
        words = f"{spec['type']} from {spec['minimum']:g} to {spec['maximum']:g}"
        words += ", log scale" if spec.get("x-scale") == "log" else ""
    else:
        words = str(spec.get("type"))
    return words + (f", default {json.dumps(spec['default'], ensure_ascii=False)}" if "default" in spec else "")


def _globs(globs: Sequence[str]) -> Text:
    return Text(", ".join(globs) or "nothing")


def _origin(entry: PluginEntry) -> str:
    return entry.origin if entry.kind in ("built-in", "") else f"{entry.kind} {entry.origin}"
