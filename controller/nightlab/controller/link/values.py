"""What the link's callers get back: checked, bounded values instead of messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nightlab.controller.model.tree import Entry


@dataclass(frozen=True, slots=True)
class Editor:
    """The uid and gid that may change a tree which is not sealed."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What lies under a root.

    Attributes:
        entries: Files and links, sorted by path; sha256 is empty for a file over the size to hash.
        odd: Sockets, fifos, devices, unreadable paths, names that are not UTF-8 or too long; at most 1000.
        is_partial: There is more than fits into a listing, and a part of it was allowed.
    """

    entries: tuple[Entry, ...]
    odd: tuple[str, ...]
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class SealCheck:
    """What a sealed tree and its surroundings are now.

    Attributes:
        sealed: Sealed paths as they are; a missing one is not there.
        added: Files and links beside them, without hashes, sorted by path.
        odd: Sealed paths and directories that another owner, mode or kind makes changeable, and unreadable ones.
        stamp: Lowercase hex over inodes, owners, modes, sizes and times of all that is sealed.
        touched: Sealed paths whose stamp is another than at the earlier check; None if that check is not known.
        is_partial: More was added than fits into a listing.
    """

    sealed: tuple[Entry, ...]
    added: tuple[Entry, ...]
    odd: tuple[str, ...]
    stamp: str
    touched: tuple[str, ...] | None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class JobExit:
    """How a job ended.

    Attributes:
        code: Exit status; None if a signal ended it or it never ran.
        signal: Signal that ended it, else None.
        start_error: Why it never ran; empty if it did.
        timed_out: It was ended at its wall limit.
        stopped: It was ended by stop_job.
        stdout_bytes: Written in all, whatever the log kept; stderr included if merged.
        stderr_bytes: The same of standard error.
        wall_ms: By the supervisor's clock.
        max_rss_bytes: Of its largest process.
        cpu_ms: User and system time.
        killed_processes: Left behind and killed at its end.
    """

    code: int | None
    signal: int | None
    start_error: str
    timed_out: bool
    stopped: bool
    stdout_bytes: int
    stderr_bytes: int
    wall_ms: int
    max_rss_bytes: int
    cpu_ms: int
    killed_processes: int


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a small tool said.

    Attributes:
        exit: How it ended.
        stdout: Its output up to the limit.
        stderr: Its standard error up to the limit; empty if merged.
        truncated: Whether more was written than the limit kept.
    """

    exit: JobExit
    stdout: bytes
    stderr: bytes
    truncated: bool


@dataclass(frozen=True, slots=True)
class ReadResult:
    """Files that were taken out.

    Attributes:
        files: Relative path -> bytes.
        skipped: Relative path, escaped -> why it was not taken.
    """

    files: Mapping[str, int]
    skipped: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SeedMade:
    """What a seed holds: files, directories, bytes, and its first few files over 64 MiB."""

    files: int
    directories: int
    bytes: int
    large: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedLinked:
    """How many files of a seed were copied into a workspace and how many paths were linked."""

    copied: int
    linked: int


@dataclass(frozen=True, slots=True)
class RepoMatch:
    """A directory of the image that holds files of the repo: how many with the same content, how many with other."""

    root: str
    same: int
    differing: int


@dataclass(frozen=True, slots=True)
class User:
    """A user of the image; name and home are empty where its tables have none."""

    uid: int
    gid: int
    name: str
    home: str


@dataclass(frozen=True, slots=True)
class Program:
    """Where a program is in the image, and the interpreter of a script; both empty if it was not found."""

    path: str
    interpreter: str


@dataclass(frozen=True, slots=True)
class PluginAnswer:
    """How a call to a plugin ended.

    Attributes:
        status: gRPC's; 0: there is an answer.
        response: Serialized, untrusted; empty where there is none.
        details: The plugin's own words on why not, escaped.
    """

    status: int
    response: bytes
    details: str
