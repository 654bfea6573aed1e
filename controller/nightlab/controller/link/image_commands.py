"""What a sandbox is asked about its image: who and what is in it, and what of it trials share.

Jobs, trees and files are `sandbox.Sandbox`'s own, which takes these in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import LinkError
from nightlab.controller.link.entries import to_message
from nightlab.controller.link.exchange import Exchange
from nightlab.controller.link.limits import shown
from nightlab.controller.link.values import Program, RepoMatch, SeedLinked, SeedMade, User
from nightlab.controller.model.tree import Entry

ANSWER_S: Final = 30.0  # for what touches little of the disk
DISK_S: Final = 300.0  # for what reads or writes a tree
SEED_S: Final = 3600.0  # for what copies data sets


class ImageCommands:
    """Commands that look into the image or share what lies in it; arguments and limits as in the protocol."""

    _exchange: Exchange

    async def make_seed(
        self, source: str, seed: str, tracked: Sequence[str], *, max_bytes: int, max_entries: int
    ) -> SeedMade:
        """Copy what lies under a directory of the image and the repo does not track into a seed directory."""
        message = pb.MakeSeed(source=source, seed=seed, tracked=tracked, max_bytes=max_bytes, max_entries=max_entries)
        result = await self._exchange.command("make_seed", message, SEED_S)
        large = tuple(shown(path) for path in result.large)
        return SeedMade(files=result.files, directories=result.directories, bytes=result.bytes, large=large)

    async def link_seed(self, seed: str, root: str, *, copy_limit_bytes: int, max_entries: int) -> SeedLinked:
        """Make a seed appear under a root: small files copied, large ones and huge directories linked."""
        message = pb.LinkSeed(seed=seed, root=root, copy_limit_bytes=copy_limit_bytes, max_entries=max_entries)
        result = await self._exchange.command("link_seed", message, DISK_S)
        return SeedLinked(copied=result.copied, linked=result.linked)

    async def find_repo(
        self, probes: Sequence[Entry], candidates: Sequence[str] = (), *, max_directories: int = 20_000
    ) -> tuple[RepoMatch, ...]:
        """Find directories that hold the repo's files, best first; candidates win ties."""
        message = pb.FindRepo(
            probes=[to_message(probe) for probe in probes],
            candidates=candidates,
            max_directories=max_directories,
        )
        result = await self._exchange.command("find_repo", message, DISK_S)
        if any(not match.root.startswith("/") or not match.root.isprintable() for match in result.matches):
            raise self._broken("a directory of the image that is no usable path")
        return tuple(RepoMatch(match.root, match.same, match.differing) for match in result.matches)

    async def resolve_user(self, user: str) -> User:
        """Look a USER instruction up in the image; CommandFailed "NOT_FOUND" for a name that it has not."""
        result = await self._exchange.command("resolve_user", pb.ResolveUser(user=user), ANSWER_S)
        return User(uid=result.uid, gid=result.gid, name=shown(result.name), home=shown(result.home))

    async def probe_access(
        self, paths: Sequence[str], *, uid: int, gid: int, max_entries: int = 50_000
    ) -> tuple[str, ...]:
        """Name the topmost paths below some absolute ones that a uid cannot read; the first 100."""
        message = pb.ProbeAccess(paths=paths, uid=uid, gid=gid, max_entries=max_entries)
        result = await self._exchange.command("probe_access", message, DISK_S)
        return tuple(shown(path) for path in result.unreadable)

    async def resolve_program(self, program: str, *, path_env: str, cwd: str) -> Program:
        """Look a program up as a shell in the image would."""
        message = pb.ResolveProgram(program=program, path_env=path_env, cwd=cwd)
        result = await self._exchange.command("resolve_program", message, ANSWER_S)
        return Program(path=shown(result.path), interpreter=shown(result.interpreter))

    def _broken(self, what: str) -> LinkError:
        error = LinkError(f"the sandbox sent {what}")
        self._exchange.fail(error)
        return error
