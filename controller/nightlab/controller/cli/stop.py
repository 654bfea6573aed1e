"""`nightlab stop`: end a running study."""

from __future__ import annotations

import os
import signal
from typing import Annotated

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, say
from nightlab.controller.cli.target import HERE, RepoOption
from nightlab.controller.errors import StoreError
from nightlab.controller.store.database import holder_pid
from nightlab.controller.store.state_dir import StateDir


def stop(
    now: Annotated[bool, typer.Option("--now", help="End the running trials too; they run again on --resume.")] = False,
    repo: RepoOption = HERE,
    as_json: JsonFlag = False,
) -> None:
    """Ask a running study to stop: running trials finish, nothing new begins.

    Examples:
      nightlab stop
      nightlab stop --now
    """
    with answering(as_json):
        state = StateDir.of_repo(repo)
        state.require_ours()
        pid = holder_pid(state.root)
        if pid is None:
            raise StoreError(f"nothing runs in {repo.resolve()}", hint="`nightlab status` shows its studies")
        os.kill(pid, signal.SIGTERM if now else signal.SIGINT)
        if as_json:
            print_json({"pid": pid, "now": now})
        else:
            say(f"asked process {pid} to {'stop now' if now else 'finish its running trials and stop'}")
