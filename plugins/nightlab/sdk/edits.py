"""The workspace as an action sees it: files in memory, the ones it changed told apart.

Whether a change is allowed is the host's decision; nothing here touches a disk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nightlab.sdk.action import Unmet


class Edits:
    """A dictionary of files, with what was written or deleted since it was made.

    Attributes:
        entry_points: Files that the training command starts, as far as the host knows.
        missing_globs: Declared reads that match nothing.
        digest: Of the whole tree, lowercase hex; empty in a unit test.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | str],
        *,
        entry_points: Sequence[str] = (),
        missing_globs: Sequence[str] = (),
        digest: str = "",
    ) -> None:
        self._base = {path: _as_bytes(content) for path, content in files.items()}
        self._changed: dict[str, bytes | None] = {}
        self.entry_points = tuple(entry_points)
        self.missing_globs = tuple(missing_globs)
        self.digest = digest

    def paths(self) -> tuple[str, ...]:
        """All files there are now, sorted."""
        gone = {path for path, content in self._changed.items() if content is None}
        return tuple(sorted((self._base.keys() | self._changed.keys()) - gone))

    def __contains__(self, path: str) -> bool:
        return path in self.paths()

    def base(self, path: str) -> bytes | None:
        """Content before any edit; None if there was no such file."""
        return self._base.get(path)

    def read(self, path: str) -> bytes:
        """Content as it is now.

        Raises:
            Unmet: There is no such file.
        """
        content = self._changed.get(path, self._base.get(path))
        if content is None:
            raise _unmet(f"{path} is not in the workspace", path)
        return content

    def text(self, path: str) -> str:
        """Content as UTF-8 text.

        Raises:
            Unmet: There is no such file, or it is not UTF-8.
        """
        try:
            return self.read(path).decode()
        except UnicodeDecodeError as error:
            raise _unmet(f"{path} is not UTF-8: {error}", path) from error

    def write(self, path: str, content: bytes | str) -> None:
        """Set a file's whole content."""
        self._changed[path] = _as_bytes(content)

    def delete(self, path: str) -> None:
        """Remove a file.

        Raises:
            Unmet: There is no such file.
        """
        self.read(path)
        self._changed[path] = None

    def sub(self, path: str, pattern: str, replacement: str, *, count: int = 0) -> int:
        """Replace matches of a regular expression, taking the replacement literally.

        Returns:
            How many were replaced.

        Raises:
            Unmet: Nothing matches.
        """
        text, number = re.subn(pattern, lambda _: replacement, self.text(path), count=count)
        if not number:
            raise _unmet(f"{path} has nothing that matches {pattern!r}", path)
        self.write(path, text)
        return number

    def changes(self) -> dict[str, bytes | None]:
        """New contents by path, None for a deleted file; a file written as it was is no change."""
        return {path: new for path, new in sorted(self._changed.items()) if new != self._base.get(path)}


def _as_bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _unmet(summary: str, path: str) -> Unmet:
    from nightlab.sdk.action import Unmet  # action needs Edits for its signatures

    return Unmet(summary, pointer=path)
