"""What the user lets one plugin see, change and use; what it declares itself is only a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nightlab.api.globs import matches_any


@dataclass(frozen=True, slots=True)
class Grant:
    """The user's word on one plugin.

    Attributes:
        setting: The table that says it, "plugins.NAME", for messages.
        reads: Globs of the files that it may be shown.
        writes: Globs of the files that it may change.
        completion_tokens: Tokens of the language model that it may use in a night.
        state_bytes: Of state that are kept for it.
    """

    setting: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    completion_tokens: int = 0
    state_bytes: int = 256 * 1024

    def shown(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files that it may be shown."""
        return {path: content for path, content in files.items() if matches_any(path, self.reads)}

    def lacks(self, reads: Iterable[str], writes: Iterable[str]) -> tuple[str, ...]:
        """Say what is asked for and not granted: "reads src/**", one entry for each glob."""
        unread = [f"reads {glob}" for glob in reads if not covers(self.reads, glob)]
        unwritten = [f"writes {glob}" for glob in writes if not covers(self.writes, glob)]
        return tuple(dict.fromkeys((*unread, *unwritten)))


def covers(granted: Sequence[str], asked: str) -> bool:
    """Tell whether globs surely cover all that another glob can match; for what is told, not for what is enforced."""
    if asked in granted or "**" in granted:
        return True
    if any(glob.endswith("/**") and asked.startswith(glob[:-2]) for glob in granted):
        return True
    return "**" not in asked and "[" not in asked and matches_any(asked, granted)
