"""Trees of a sandbox: written, listed, and compared with what was sealed. Contents come from the link's blob source.

Jobs and taking files out are `sandbox.Sandbox`'s own, which takes these in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import LinkError
from nightlab.controller.link.blobs import Serving
from nightlab.controller.link.entries import batched_paths, from_message, to_message
from nightlab.controller.link.exchange import Exchange
from nightlab.controller.link.image_commands import DISK_S
from nightlab.controller.link.limits import shown
from nightlab.controller.link.values import Editor, Scan, SealCheck
from nightlab.controller.model.tree import Entry, Tree

ADDED_LISTED: Final = 20_000


class TreeCommands:
    """Commands that write and look at trees; limits as in the protocol."""

    _exchange: Exchange
    _serving: Serving

    async def put_tree(
        self,
        root: str,
        tree: Tree,
        owner: Editor | None = None,
        timeout_s: float = DISK_S,
        *,
        removed: Sequence[str] = (),
        clear: bool = False,
    ) -> str:
        """Write a tree, and remove what an earlier one under the same root had and this one has not.

        Args:
            root: Absolute; exists.
            tree: Its contents are in the link's blob source.
            owner: Who may change it; None seals it.
            timeout_s: For all of it.
            removed: Relative paths that are removed first, whatever they are.
            clear: Remove what is in the way, where it would be a CommandFailed.

        Returns:
            The digest as read back inside, lowercase hex. Comparing it with the tree's own is the caller's.
        """
        message = _put_message(root, tree.entries, owner)
        message.removed.extend(removed)
        message.clear = clear
        return await self._put(message, tree.entries, timeout_s)

    async def put_files(
        self,
        root: str,
        entries: Sequence[Entry],
        owner: Editor,
        *,
        removed: Sequence[str] = (),
        timeout_s: float = DISK_S,
    ) -> None:
        """Write or remove some files of an editor's tree; all others stay as they are.

        Args:
            root: Absolute; exists.
            entries: Their contents are in the link's blob source.
            owner: Who may change them.
            removed: Relative paths that are removed first, whatever they are.
            timeout_s: For all of it.
        """
        message = _put_message(root, entries, owner)
        message.removed.extend(removed)
        message.in_part = True
        await self._put(message, entries, timeout_s)

    async def _put(self, message: pb.PutTree, entries: Iterable[Entry], timeout_s: float) -> str:
        hashes = [bytes.fromhex(entry.sha256) for entry in entries]
        self._serving.allow(hashes)
        try:
            result = await self._exchange.command("put_tree", message, timeout_s)
        finally:
            self._serving.withdraw(hashes)
        return str(result.tree_digest.hex())

    async def check_seal(
        self,
        root: str,
        *,
        suffixes: Sequence[str],
        reread_bytes: int,
        since: str = "",
        all_added: bool = False,
        timeout_s: float = DISK_S,
    ) -> SealCheck:
        """Look at what the last put_tree sealed under a root and at what lies beside it, in one walk.

        Args:
            root: Of the sealed tree.
            suffixes: Names of added files to list; links to directories that could be packages are listed as well.
            reread_bytes: A larger file is not read again while its inode, size and times are those it was hashed
                with; 0: all are.
            since: Stamp of an earlier check.
            all_added: List every added file.
            timeout_s: For all of it.

        Raises:
            LinkError: The answer names paths twice.
        """
        message = pb.CheckSeal(
            root=root,
            suffixes=suffixes,
            reread_bytes=reread_bytes,
            since=bytes.fromhex(since),
            all_added=all_added,
            max_added=ADDED_LISTED,
        )
        result = await self._exchange.command("check_seal", message, timeout_s)
        sealed = tuple(from_message(entry) for entry in result.sealed)
        added = tuple(from_message(entry) for entry in result.added)
        if len({entry.path for entry in (*sealed, *added)}) != len(sealed) + len(added):
            raise self._misled(f"a check of {root} that names paths twice")
        return SealCheck(
            sealed=sealed,
            added=added,
            odd=tuple(shown(path) for path in result.odd),
            stamp=result.stamp.hex(),
            touched=tuple(shown(path) for path in result.touched) if result.since_known else None,
            is_partial=result.is_partial,
        )

    async def scan_tree(
        self,
        root: str,
        only: Sequence[str] = (),
        *,
        suffixes: Sequence[str] = (),
        max_entries: int = 50_000,
        max_hash_bytes: int = 0,
        allow_partial: bool = False,
        timeout_s: float = DISK_S,
    ) -> Scan:
        """List files and links with their hashes, following no link.

        Args:
            root: Absolute.
            only: Relative paths to look at; empty: all.
            suffixes: Only names that end in one of these; empty: all.
            max_entries: More is a CommandFailed with failure "LIMIT".
            max_hash_bytes: Larger files are listed without a hash; 0: no limit.
            allow_partial: Where there is more than fits, return a part of it, which part being the disk's choice.
            timeout_s: For all of it.
        """
        message = pb.ScanTree(
            root=root,
            suffixes=suffixes,
            max_entries=max_entries,
            max_hash_bytes=max_hash_bytes,
            allow_partial=allow_partial,
        )
        if not only:
            return await self._scan(message, timeout_s)
        found: list[Entry] = []
        odd: list[str] = []
        for batch in batched_paths(only):
            message.ClearField("only")
            message.only.extend(batch)
            scan = await self._scan(message, timeout_s)
            found.extend(scan.entries)
            odd.extend(scan.odd)
        return Scan(entries=tuple(sorted(found, key=lambda entry: entry.path.encode())), odd=tuple(odd))

    async def _scan(self, message: pb.ScanTree, timeout_s: float) -> Scan:
        root, only, max_entries = message.root, frozenset(message.only), message.max_entries
        result = await self._exchange.command("scan_tree", message, timeout_s)
        entries = tuple(from_message(entry) for entry in result.entries)
        paths = [entry.path for entry in entries]
        if len(set(paths)) != len(paths) or len(paths) > max_entries or (only and not only.issuperset(paths)):
            raise self._misled(f"a listing of {root} that names paths twice, too many, or others than asked for")
        return Scan(entries=entries, odd=tuple(shown(path) for path in result.odd), is_partial=result.is_partial)

    def _misled(self, what: str) -> LinkError:
        error = LinkError(f"the sandbox sent {what}")
        self._exchange.fail(error)
        return error


def _put_message(root: str, entries: Iterable[Entry], owner: Editor | None) -> pb.PutTree:
    return pb.PutTree(
        root=root,
        entries=[to_message(entry) for entry in entries],
        owner=pb.TREE_OWNER_SEALED if owner is None else pb.TREE_OWNER_EDITOR,
        owner_uid=owner.uid if owner is not None else 0,
        owner_gid=owner.gid if owner is not None else 0,
    )
