"""`nightlab init`: write a nightlab.toml for a repo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, print_rich, say
from nightlab.controller.cli.run import open_progress_for, with_signals
from nightlab.controller.model.score import Direction

if TYPE_CHECKING:
    from nightlab.controller.onboarding.findings import Wishes
    from nightlab.controller.onboarding.onboard import Onboarded


def init(
    repo: Annotated[Path, typer.Argument(help="The training repo.")] = Path(),
    train: Annotated[str, typer.Option(help="The training command, if another one than is found.")] = "",
    metric: Annotated[str, typer.Option(help="A regular expression with one group around the number.")] = "",
    direction: Annotated[Direction | None, typer.Option(help="Which way the metric is better.")] = None,
    dockerfile: Annotated[str, typer.Option(help="The Dockerfile, if another one than is found.")] = "",
    context: Annotated[str, typer.Option(help="The build context, if not the repo.")] = "",
    build_arg: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the build.")] = None,
    timeout: Annotated[str, typer.Option(help="Limit of one sample run; what it printed until then counts.")] = "1h",
    no_baseline: Annotated[bool, typer.Option("--no-baseline", help="Do not run the baseline at the end.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Look at a repo, run it once in a hardened container, and write its nightlab.toml with the reasons.

    Examples:
      nightlab init ../my-repo
      nightlab init . --train "python train.py --epochs 3" --metric "val_loss: (\\S+)"
    """
    from nightlab.controller.onboarding.onboard import onboard
    from nightlab.controller.study.night import Stop

    with answering(as_json):
        wishes = _wishes(train, metric, direction, dockerfile, context, build_arg or [], timeout)
        stop = Stop()
        progress = open_progress_for(as_json)
        try:
            work = onboard(repo, wishes, force=force, with_baseline=not no_baseline, progress=progress, stop=stop)
            made = with_signals(stop, work)
        finally:
            progress.close()
        if as_json:
            print_json(made)
            return
        print_rich(*_lines(made))
        say(f"nightlab run {repo} --dry-run · nightlab run {repo}")


def _wishes(
    train: str,
    metric: str,
    direction: Direction | None,
    dockerfile: str,
    context: str,
    build_args: list[str],
    timeout: str,
) -> Wishes:
    from nightlab.controller.config.units import parse_seconds
    from nightlab.controller.errors import ConfigError
    from nightlab.controller.onboarding.findings import Wishes

    wrong = next((each for each in build_args if not each.partition("=")[1]), None)
    if wrong is not None:
        raise ConfigError(f"--build-arg {wrong!r} is not NAME=VALUE")
    try:
        seconds = float(str(parse_seconds(timeout)))
    except ValueError as error:
        raise ConfigError(f"--timeout {error}") from error
    pairs = dict(each.partition("=")[::2] for each in build_args)
    return Wishes(dockerfile, context, pairs, train, metric, direction, seconds)


def _lines(made: Onboarded) -> Iterator[str]:
    from nightlab.controller.config.units import show_bytes, show_seconds

    written = " (written)" if made.dockerfile_written else ""
    behind = " behind the image's ENTRYPOINT" if made.entrypoint == "image" else ""
    peak = "unknown" if made.peak_memory_bytes is None else show_bytes(made.peak_memory_bytes)
    yield f"config       {made.config_path}"
    yield f"image        {made.dockerfile}{written}, repo at {made.workspace}, starts in {made.workdir}"
    yield f"command      {made.command}{behind}"
    yield f"sample run   {show_seconds(made.sample_s)}, peak memory {peak}"
    yield f"score        {made.objective} ({made.direction}), {made.value:g}"
    yield f"seed         {made.seed}"
    yield f"literals     {made.tunable} tunable, {made.frozen} frozen"
    for note in made.notes:
        yield f"note         {note}"
    if made.baseline is not None:
        yield from made.baseline.lines()
