"""Fixes and formatting that the user wants, on a copy: what would be applied, what is held back, and writing the first.

Making them belongs to the explainer's worker. Nothing is written but what is let through, and only over a file that is
still what was read.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nightlab.controller.config.gating import Lint
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ExplainFailed, RepoError
from nightlab.controller.explain.applying import FixedCopy
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.explain.orders import Files, FixOrder, MadeFix
from nightlab.controller.inspection.bench import SmokeBench
from nightlab.controller.inspection.quarantine import quarantine_of
from nightlab.controller.inspection.subject import Subject
from nightlab.controller.model.change import HOLD, Fix, FixState
from nightlab.controller.proof.oracle import Comparison
from nightlab.controller.report.gate_view import Check, CheckState
from nightlab.controller.text import inert

if TYPE_CHECKING:
    from nightlab.controller.inspection.gate import Wanted

FORMATTER: Final = "formatter:"


@dataclass(frozen=True, slots=True)
class Fixed:
    """What became of the wanted fixes.

    Attributes:
        fixes: One per author.
        contents: New contents of the files that what is let through changes.
        checks: "fixes" and "format".
        notes: For a person.
    """

    fixes: tuple[Fix, ...]
    contents: Files
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)


async def fix_copy(
    subject: Subject, config: Config | None, explainer: Explainer, wanted: Wanted, bench: SmokeBench | None
) -> Fixed:
    """Make the wanted fixes on a copy and sort them by what they may do.

    Args:
        subject: The working tree.
        config: None: there is no nightlab.toml.
        explainer: Makes them.
        wanted: What the user asks for; wins over the config.
        bench: Where paired smoke runs can let a fix through that may change behaviour; None: it stays held back.

    Raises:
        EngineError, LinkError: The machine failed during smoke runs.
    """
    order = _order(config, wanted)
    if order.level == "off" and not order.format:
        return Fixed((), {}, _checks(order, (), ""))
    quarantine = await asyncio.to_thread(quarantine_of, subject.root)
    order = replace(order, refused=quarantine.authors)
    files = _files(subject, all_files=wanted.all_files)
    if not files:
        why = "no Python file" if wanted.all_files or not subject.revision else "no Python file differs from the base"
        return Fixed((), {}, _checks(order, (), why))
    copy, trial = FixedCopy(files), _Trial(bench)
    make = partial(explainer.fixes, order=order, paths=subject.paths, repo_config=subject.configs())
    try:
        await copy.fix(make, trial.let_through)
    except ExplainFailed as error:
        return Fixed((), {}, _checks(order, (), "the worker broke"), (f"no fix was made: {error}", *quarantine.notes))
    changed = {path: content for path, content in copy.contents.items() if content != files[path]}
    fixes = (
        *(Fix(a.made.author, a.made.effect, a.state, a.made.changes, a.reason) for a in copy.applied),
        *(_held(each, trial.seen.get(each.author)) for each in copy.held),
    )
    return Fixed(fixes, changed, _checks(order, fixes, ""), quarantine.notes)


class _Trial:
    """Lets a fix through where paired smoke runs with and without it show no difference."""

    def __init__(self, bench: SmokeBench | None) -> None:
        self.seen: dict[str, Comparison] = {}
        self._bench = bench

    async def let_through(self, made: MadeFix, contents: Files) -> str:
        """Run each author's fix once; what is left of one that was let through waits for a person."""
        if self._bench is None or made.author in self.seen:
            return ""
        before = {path: contents[path] for path in made.files}
        self.seen[made.author] = found = await self._bench.compare(before, made.files)
        return found.evidence if found.differs is False else ""


def _held(made: MadeFix, seen: Comparison | None) -> Fix:
    """Say why a fix is held back: what runs have shown, else why it may change behaviour."""
    why = made.reason or HOLD
    if seen is not None and seen.differs is not False:
        word = "paired smoke runs differ" if seen.differs else "paired smoke runs cannot tell"
        why = f"{word}: {seen.evidence}"
    return Fix(made.author, made.effect, FixState.HELD_BACK, made.changes, why)


def write_fixes(subject: Subject, fixed: Fixed, *, may_write: bool) -> tuple[str, ...]:
    """Write what is let through into the working tree and return the paths.

    Raises:
        RepoError: A file is not what was read any more, or cannot be written.
    """
    if not may_write:
        return ()
    return tuple(_replace(subject, path, fixed.contents[path]) for path in sorted(fixed.contents))


def _order(config: Config | None, wanted: Wanted) -> FixOrder:
    lint = config.lint if config is not None else Lint()
    return FixOrder(
        level=wanted.fix if wanted.fix is not None else lint.fix,
        format=wanted.format if wanted.format is not None else lint.format,
        select=wanted.select or lint.select,
        python=wanted.python,
    )


def _files(subject: Subject, *, all_files: bool) -> Files:
    paths = [path for path in subject.paths if path.endswith(".py")] if all_files else subject.python_paths
    return {path: content for path in paths if (content := subject.content(path)) is not None}


def _checks(order: FixOrder, fixes: tuple[Fix, ...], why_none: str) -> tuple[Check, ...]:
    rules = tuple(fix for fix in fixes if not fix.author.startswith(FORMATTER))
    formats = tuple(fix for fix in fixes if fix.author.startswith(FORMATTER))
    barred = sum(1 for author in order.refused if author.startswith(FORMATTER))
    return (
        _check("fixes", "off" if order.level == "off" else why_none, rules, len(order.refused) - barred),
        _check("format", why_none if order.format else "off", formats, barred),
    )


def _check(name: str, why_skipped: str, fixes: tuple[Fix, ...], refused: int) -> Check:
    if why_skipped:
        return Check(name, name, CheckState.SKIPPED, why_skipped)
    held = sum(1 for fix in fixes if fix.state is FixState.HELD_BACK)
    more = f", {refused} in quarantine" if refused else ""
    if held:
        return Check(name, name, CheckState.HELD_BACK, f"{held} of {len(fixes)}{more}")
    return Check(name, name, CheckState.PASSED, (f"{len(fixes)} to apply" if fixes else "nothing to do") + more)


def _replace(subject: Subject, path: str, content: bytes) -> str:
    """Put a new content in a file's place at once, with its mode, if it is still the file that was read."""
    parent = _open_parent(subject.root, path)
    name = path.rpartition("/")[2]
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        with os.fdopen(fd, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o7777
            if file.read() != subject.content(path):
                raise RepoError(
                    f"{inert(path)!r} changed while the gate ran, so it was not written; run the gate again"
                )
        temporary = f".nightlab-{secrets.token_hex(8)}"
        fd = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent
        )
        try:
            with os.fdopen(fd, "wb") as out:
                out.write(content)
                os.fchmod(out.fileno(), mode)
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parent)
            raise
    except OSError as error:
        raise RepoError(f"{inert(path)!r} cannot be written: {error.strerror}") from error
    finally:
        os.close(parent)
    return path


def _open_parent(root: Path, path: str) -> int:
    """Open a file's directory, step by step, never through a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(root, flags)
    for part in path.split("/")[:-1]:
        try:
            below = os.open(part, flags, dir_fd=fd)
        except OSError as error:
            raise RepoError(f"{inert(path)!r} cannot be written: {error.strerror}") from error
        finally:
            os.close(fd)
        fd = below
    return fd
