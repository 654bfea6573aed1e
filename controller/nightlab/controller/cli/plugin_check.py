"""`nightlab plugin check`: does a plugin keep the protocol? The conformance kit, for commands and for images."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlab.controller.cli.output import answering, say

if TYPE_CHECKING:
    from nightlab.sdk.conformance import Target


def check(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="What starts the plugin, after --. With --image: in place of the image's own program."),
    ] = None,
    image: Annotated[str, typer.Option("--image", help="Check a container image, confined as in a study.")] = "",
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Ask the actions about these files; else about a small repo.")
    ] = None,
    requirements: Annotated[str, typer.Option("--requirements", help="Version of the protocol.")] = "v1.0",
    expected_failures: Annotated[
        Path | None, typer.Option("--expected-failures", help="Checks that fail for now, a name in each line.")
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="How often the same call is made again.")] = 10,
    only: Annotated[list[str] | None, typer.Option("--only", help="A check; may be given again.")] = None,
) -> None:
    """Hold a plugin against the protocol, over its socket alone. Exit 0 it keeps it, 1 it does not, 2 wrong usage.

    A line of JSON for each check, then a count. docs/plugin-protocol.md says what each check asks for.

    Examples:
      nightlab plugin check -- python -m my_plugin
      nightlab plugin check --image my-plugin:latest --workspace ../my-repo
      nightlab plugin check --only bad-arguments --only bad-json -- node plugin.js
    """
    from nightlab.sdk.conformance import Budget
    from nightlab.sdk.conformance.order import BadOrder, Order, run

    order = Order(workspace, requirements, expected_failures, only or (), Budget(repeat=repeat))
    with answering():
        try:
            with _target(image, command or ()) as target:
                code = run(order, target, _write)
        except BadOrder as error:
            raise typer.BadParameter(str(error)) from error
    raise typer.Exit(code)


@contextmanager
def _target(image: str, command: Sequence[str]) -> Iterator[Target]:
    from nightlab.sdk.conformance import CommandTarget

    if image:
        from nightlab.controller.plugins.image_target import ImageTarget

        with ImageTarget(image, command, note=say) as target:
            yield target
    elif command:
        yield CommandTarget(command)
    else:
        raise typer.BadParameter("say what to check: --image REFERENCE, or -- and a command that starts the plugin")


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
