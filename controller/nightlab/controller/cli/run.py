"""`nightlab run`: run a study."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from nightlab.controller.cli.logs import to_file
from nightlab.controller.cli.output import FAILED, INTERRUPTED, JsonFlag, answering, print_json, print_rich, say
from nightlab.controller.errors import ConfigError
from nightlab.controller.store.state_dir import StateDir

if TYPE_CHECKING:
    from nightlab.controller.config.schema import Config
    from nightlab.controller.report.progress import Progress
    from nightlab.controller.report.view import StudyView
    from nightlab.controller.study.night import Stop

T = TypeVar("T")
HOUR_S: Final = 3600


def run(
    repo: Annotated[Path, typer.Argument(help="The repo, with a nightlab.toml.")] = Path(),
    trials: Annotated[int | None, typer.Option(help="Search trials, in place of budget.trials.")] = None,
    hours: Annotated[float | None, typer.Option(help="Wall time in hours, in place of budget.wall_time.")] = None,
    seed: Annotated[int | None, typer.Option(help="The policy's seed, in place of search.seed.")] = None,
    parallel: Annotated[int | None, typer.Option(help="Trials at a time, in place of search.parallel.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Any setting, as train.timeout=90s.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest unfinished study.")] = False,
    study: Annotated[str, typer.Option("--study", help="With --resume: which study.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Run one baseline and price the night.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run a night of experiments on a repo.

    Ctrl-C once lets running trials finish, twice stops them; `--resume` goes on either way.

    Examples:
      nightlab run examples/tinygpt --trials 12
      nightlab run . --hours 8 --set train.memory=16g
    """
    from nightlab.controller.config.load import load_config
    from nightlab.controller.study.night import Stop
    from nightlab.controller.study.open import run_study

    with answering(as_json):
        overrides = [*(setting or ()), *_short_forms(trials, hours, seed, parallel)]
        if resume and overrides:
            raise ConfigError(f"a resumed study keeps the config that it began with; leave out {', '.join(overrides)}")
        config = load_config(repo, overrides=overrides, env=os.environ)
        to_file(StateDir.of_repo(repo))
        stop = Stop()
        if dry_run:
            price(repo, config, stop, as_json)
            return
        wanted = study if resume else None
        progress = open_progress_for(as_json)
        view = with_signals(stop, run_study(repo, config, resume=wanted, progress=progress, stop=stop))
        _show(view, repo, as_json)
        code = _exit_code(view)
    raise typer.Exit(code)


def with_signals(stop: Stop, work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; SIGINT drains and then stops, SIGTERM and SIGHUP stop at once.

    Raises:
        KeyboardInterrupt: A signal came while the study was still being prepared.
    """
    import signal

    async def guarded() -> T:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        loop.add_signal_handler(signal.SIGINT, _interrupted, stop, task)
        loop.add_signal_handler(signal.SIGTERM, _terminated, stop, task)
        loop.add_signal_handler(signal.SIGHUP, _terminated, stop, task)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def price(repo: Path, config: Config, stop: Stop, as_json: bool) -> None:
    """Run one baseline and say what the whole night would cost."""
    from nightlab.controller.study.price import price_night

    night = with_signals(stop, price_night(repo, config, progress=open_progress_for(as_json), stop=stop))
    if as_json:
        print_json(night)
    else:
        print_rich(*night.lines())


def _interrupted(stop: Stop, task: asyncio.Task[Any]) -> None:
    if not stop.running:
        task.cancel()
        return
    say("stopping now" if stop.draining else "finishing the running trials; Ctrl-C again stops them")
    stop.ask()


def _terminated(stop: Stop, task: asyncio.Task[Any]) -> None:
    if stop.running:
        stop.ask_now()
    else:
        task.cancel()


def _short_forms(trials: int | None, hours: float | None, seed: int | None, parallel: int | None) -> list[str]:
    forms = {
        "budget.trials": trials,
        "budget.wall_time": None if hours is None else hours * HOUR_S,
        "search.seed": seed,
        "search.parallel": parallel,
    }
    return [f"{name}={value}" for name, value in forms.items() if value is not None]


def open_progress_for(as_json: bool) -> Progress:
    """Return who is told: the terminal or a log by stderr, nobody where a program reads."""
    from rich.console import Console

    from nightlab.controller.report.live import open_progress
    from nightlab.controller.report.silent import Silent

    return Silent() if as_json else open_progress(Console(stderr=True, markup=False, highlight=False, emoji=False))


def _show(view: StudyView, repo: Path, as_json: bool) -> None:
    from nightlab.controller.cli.report import write_report
    from nightlab.controller.report.tables import final_table

    paths = write_report(view, repo)
    if as_json:
        print_json(view)
        return
    print_rich(final_table(view))
    say(f"report: {paths[0]}")
    say("nightlab trial show NUMBER · nightlab export · nightlab report")


def _exit_code(view: StudyView) -> int:
    from nightlab.controller.report.view import StudyState

    codes = {StudyState.FINISHED: 0, StudyState.INTERRUPTED: INTERRUPTED}
    return codes.get(view.state, FAILED)
