"""Checks of a plugin's life: how it starts and ends, and what it takes."""

from __future__ import annotations

import time
from typing import Final

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.conformance.answers import asked
from nightlab.sdk.conformance.session import Session
from nightlab.sdk.conformance.target import SOCKET_VARIABLE
from nightlab.sdk.conformance.verdict import Broken, Doubtful, Skipped

BARE_LINES: Final = 3


def start_time(session: Session) -> str:
    """The first call is answered within the start's budget."""
    began = time.monotonic()
    session.fresh()
    took = time.monotonic() - began
    if took > session.budget.start_s / 2:
        most = session.budget.start_s
        raise Doubtful(f"the first answer took {took:.1f} s of {most:g} s; load what is slow with the first call of it")
    return f"{took:.2f} s"


def restart(session: Session) -> str:
    """A plugin that starts again gives the answers that it gave before."""
    before = _all_answers(session)
    session.fresh()
    session.forget()
    for (what, old), (_, new) in zip(before, _all_answers(session), strict=True):
        if old != new:
            raise Broken(f"{what} has another answer after a restart; keep nothing that the request does not bring")
    return f"{len(before)} answers the same"


def _all_answers(session: Session) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("GetPluginInfo", session.info()), ("ListActions", session.actions())]
    for action in asked(session):
        found.append((f"CheckAction of {action.name}", session.check(session.check_request(action))))
        if action.deterministic:
            found.append((f"ApplyAction of {action.name}", session.apply(session.apply_request(action))))
    if session.has(pb.FEATURE_OBSERVE):
        outcome = pb.Outcome(trial_id="kit-trial", action=session.actions()[0].name, arguments_json="{}")
        found.append(("ObserveOutcomes", session.observe(pb.ObserveOutcomesRequest(outcomes=[outcome]))))
    return found


def sigterm(session: Session) -> str:
    """SIGTERM ends the plugin and all it started, soon and without an error."""
    life = session.fresh()
    ended = life.terminate(session.budget.stop_s)
    session.end()
    if not ended.in_time:
        raise Broken(f"it runs on {session.budget.stop_s:g} s after SIGTERM; end then, there is nothing to save")
    if not ended.is_clean:
        raise Broken(f"it ended with {ended.how} after SIGTERM; end with status 0, or leave the signal alone")
    if ended.left:
        raise Broken(f"it ended and left {ended.left} processes behind; end what it started first")
    return ended.how


def no_socket(session: Session) -> str:
    """Started by hand it says in a line what it is, and ends with an error."""
    bare = session.target.start_bare(session.budget.start_s)
    if bare is None:
        raise Skipped("this plugin cannot be started without a socket here")
    if bare.status is None:
        raise Broken(f"without {SOCKET_VARIABLE} it runs on; print a line that names the variable and exit")
    if bare.status == 0:
        raise Broken(f"without {SOCKET_VARIABLE} it ends with status 0; exit with an error")
    lines = [line for line in bare.words.splitlines() if line.strip()]
    if SOCKET_VARIABLE not in bare.words or len(lines) > BARE_LINES:
        said = lines[-1][:120] if lines else ""
        raise Broken(f"without {SOCKET_VARIABLE} it prints {len(lines)} lines ({said!r}); print one that names it")
    return lines[0][:200]


def call_time(session: Session) -> str:
    """Calls end well within their budget."""
    for action in asked(session):
        session.check(session.check_request(action))
        session.apply(session.apply_request(action))
    seconds, what = session.slowest
    if seconds > session.budget.brisk_s:
        most = session.budget.call_s
        raise Doubtful(f"{what} took {seconds:.1f} s of {most:g} s; a slower machine would break it off")
    return f"at most {seconds:.3f} s ({what})"


def output(session: Session) -> str:
    """What it prints is a log, and short; the protocol does not mind it."""
    session.info()
    session.watched()
    if session.printed_bytes > session.budget.printed_bytes:
        raise Doubtful(f"it printed {session.printed_bytes} bytes, which a host cuts off; print less")
    return f"{session.printed_bytes} bytes"


def memory(session: Session) -> str:
    """It stays under what a host gives it."""
    session.info()
    session.watched()
    peak, most = session.peak_memory_bytes, session.budget.memory_bytes
    if peak is None:
        raise Skipped("its memory cannot be seen here")
    if peak > most:
        raise Doubtful(f"it took {peak // 2**20} MiB; a host's default limit is {most // 2**20} MiB and ends it there")
    return f"{peak // 2**20} MiB"


def confined(session: Session) -> str:
    """It works behind the walls of its container: no network, nothing to write to, no privileges, not root."""
    session.info()
    walls = session.watched().walls
    if not walls:
        raise Skipped("a command runs unconfined; check the image, too (--image)")
    open_walls = [name for name, stands in walls.items() if not stands]
    if open_walls:
        raise Broken(f"its container is open: {', '.join(open_walls)}; the host's engine does not hold what was asked")
    return ", ".join(walls)
