"""`nightlab trial`: look at trials."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, print_rich, say
from nightlab.controller.cli.target import HERE, RepoOption, StudyOption, Target, find
from nightlab.controller.errors import StoreError
from nightlab.controller.model.change import Drift
from nightlab.controller.report.gate_words import drift_line
from nightlab.controller.report.view import TrialView

app: Final = typer.Typer(no_args_is_help=False, help="Look at the trials of a study.")
FOLLOW_S: Final = 0.25
CHUNK: Final = 1 << 16
Number = Annotated[int, typer.Argument(help="The trial's number.")]


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Look at the trials of a study; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_trials()


@app.command("list")
def list_trials(repo: RepoOption = HERE, study: StudyOption = "", as_json: JsonFlag = False) -> None:
    """List every trial with its verdict and scores.

    Examples:
      nightlab trial list
      nightlab trial list --json | jq '.[] | select(.verdict == "keep")'
    """
    from nightlab.controller.report.tables import trial_list

    with answering(as_json):
        view = find(repo, study).view(with_details=as_json)
        if as_json:
            print_json(view.trials)
            return
        print_rich(trial_list(view))
        say("nightlab trial show NUMBER tells more about one")


@app.command("show")
def show(number: Number, repo: RepoOption = HERE, study: StudyOption = "", as_json: JsonFlag = False) -> None:
    """Show one trial: what was changed, what was measured and how, what it cost.

    Examples:
      nightlab trial show 7
      nightlab trial show 7 --json
    """
    from nightlab.controller.report.tables import trial_show

    with answering(as_json):
        view = find(repo, study).view(with_details=True)
        trial = _trial(view.trial(number), number)
        if as_json:
            print_json(trial)
            return
        print_rich(trial_show(view, trial))
        say(f"nightlab trial diff {number} · nightlab trial logs {number}")


@app.command("diff")
def diff(
    number: Number,
    repo: RepoOption = HERE,
    study: StudyOption = "",
    drift: Annotated[bool, typer.Option("--drift", help="What others wrote into it, instead.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print a trial's change against the base tree, or what was rolled back of others' changes.

    Examples:
      nightlab trial diff 7
      nightlab trial diff 7 | git apply --check
      nightlab trial diff 7 --drift
    """
    with answering(as_json):
        trial = _trial(find(repo, study).view(with_details=True).trial(number), number)
        drifts = trial.gate.drifts if trial.gate is not None else ()
        if as_json:
            print_json({"number": number, "diff": trial.diff, "drifts": drifts})
            return
        _write(_drift_text(drifts) if drift else trial.diff)
        if drifts and not drift:
            say(f"something else wrote here: nightlab trial diff {number} --drift")


@app.command("logs")
def logs(
    number: Number,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the trial ends.")] = False,
    repo: RepoOption = HERE,
    study: StudyOption = "",
) -> None:
    """Print what a trial's training command printed.

    Examples:
      nightlab trial logs 7
      nightlab trial logs 7 -f
    """
    with answering():
        target = find(repo, study)
        _follow(target, number) if follow else _copy(_log(target, number), 0)


def _drift_text(drifts: Sequence[Drift]) -> str:
    """Write each drift as a diff, with what and who above it as lines that patch tools pass over."""
    parts = []
    for drift in drifts:
        diffs = (change.diff for change in drift.explanation.changes if change.diff)
        parts.append("\n".join([drift_line(drift), *diffs]))
    return "\n".join(part if part.endswith("\n") else part + "\n" for part in parts)


def _trial(trial: TrialView | None, number: int) -> TrialView:
    if trial is None:
        raise StoreError(f"there is no trial {number}", hint="`nightlab trial list` shows them")
    return trial


def _log(target: Target, number: int) -> Path:
    attempts = target.store.attempts(target.study.id, number)
    if not attempts:
        raise StoreError(f"trial {number} was never started", hint=f"`nightlab trial show {number}` tells why")
    return target.state.root / attempts[-1].log_path


def _copy(path: Path, offset: int) -> int:
    """Write a log from an offset to stdout and return where it ended."""
    if not path.is_file():
        return offset
    with path.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(CHUNK):
            _write(chunk.decode(errors="replace"))
            offset += len(chunk)
    return offset


def _follow(target: Target, number: int) -> None:
    offset = 0
    while True:
        ended = target.store.trial(target.study.id, number).ended_unix_ms is not None
        offset = _copy(_log(target, number), offset)
        if ended:
            return
        time.sleep(FOLLOW_S)  # a file that another process writes offers nothing to wait on


def _write(text: str) -> None:
    from nightlab.controller.text import inert

    sys.stdout.write(inert(text, len(text) + 1, keep_lines=True) if sys.stdout.isatty() else text)
    sys.stdout.flush()
