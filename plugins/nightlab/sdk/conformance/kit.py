"""Runs checks on a plugin, one after the other, and judges each."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from nightlab.sdk.conformance.budget import Budget
from nightlab.sdk.conformance.session import Session
from nightlab.sdk.conformance.table import CHECKS, Check
from nightlab.sdk.conformance.target import StartError, Target
from nightlab.sdk.conformance.verdict import Broken, Doubtful, Skipped, Status, Verdict
from nightlab.sdk.conformance.workspaces import BUILT_IN


def verdicts(
    target: Target,
    checks: Sequence[Check] = CHECKS,
    *,
    files: Mapping[str, bytes] = BUILT_IN,
    budget: Budget | None = None,
    expected: Collection[str] = (),
) -> Iterator[Verdict]:
    """Check a plugin; each verdict comes when its check has ended, the plugin is ended after the last.

    Args:
        target: The plugin.
        checks: Which checks, in order.
        files: The workspace that its actions are asked about.
        budget: What it may take.
        expected: Names of checks that it is known to fail.
    """
    session = Session(target, files, budget or Budget())
    try:
        for check in checks:
            yield _verdict(check, session, is_expected=check.name in expected)
    finally:
        session.end()


def expected_failures(text: str) -> frozenset[str]:
    """Read names of checks, one a line; '#' begins a comment.

    Raises:
        ValueError: A name is no check.
    """
    names = [name for line in text.splitlines() if (name := line.partition("#")[0].strip())]
    return frozenset(known(names))


def known(names: Sequence[str]) -> Sequence[str]:
    """Return names as they are.

    Raises:
        ValueError: One is no check.
    """
    there = [check.name for check in CHECKS]
    unknown = [name for name in names if name not in there]
    if unknown:
        raise ValueError(f"there is no check {unknown[0]!r}; there are {', '.join(there)}")
    return names


def read_expected(path: Path | None) -> frozenset[str]:
    """Read a file of expected failures; none: none.

    Raises:
        ValueError: It cannot be read or names no check.
    """
    if path is None:
        return frozenset()
    try:
        return expected_failures(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a list of checks ({error})") from error


def _verdict(check: Check, session: Session, *, is_expected: bool) -> Verdict:
    began = time.monotonic()
    status, message = _outcome(check, session)
    if is_expected and status == "failed":
        status = "expected_failure"
    elif is_expected and status == "passed":
        status, message = "unexpected_pass", f"passes now; take it out of the expected failures ({message})"
    return Verdict(check.name, status, message, check.spec, time.monotonic() - began)


def _outcome(check: Check, session: Session) -> tuple[Status, str]:
    try:
        return "passed", check.run(session)
    except Doubtful as doubt:
        return "warning", str(doubt)
    except Skipped as skipped:
        return "skipped", str(skipped)
    except (Broken, StartError) as broken:
        return "failed", str(broken)
