"""The tree digest: one hash over a whole tree, computed alike by host and sandbox.

Both sides import this file, so that "what runs is what was proposed" compares two results of one definition.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

REGULAR: Final = 0o100644
EXECUTABLE: Final = 0o100755
SYMLINK: Final = 0o120000
MODES: Final = frozenset({REGULAR, EXECUTABLE, SYMLINK})


def tree_digest(entries: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Hash a tree.

    Args:
        entries: (path, mode, sha256) of each file, in any order. The path is relative with '/' between parts,
            the mode one of MODES, the hash 32 bytes over the content (of a symbolic link: over its target).

    Returns:
        32 bytes. Two trees have the same digest if and only if they hold the same paths, modes and contents.

    Raises:
        ValueError: A path occurs twice, a mode is none of MODES, or a hash is not 32 bytes.
    """
    digest = hashlib.sha256(b"nightlab-tree/1\n")
    previous = None
    for path, mode, sha256 in sorted(entries, key=lambda entry: entry[0].encode()):
        if path == previous:
            raise ValueError(f"{path!r} occurs twice in a tree")
        if mode not in MODES or len(sha256) != 32:
            raise ValueError(f"{path!r} has mode {mode:o} and a hash of {len(sha256)} bytes")
        digest.update(b"%o %s %s\0" % (mode, sha256.hex().encode(), path.encode()))
        previous = path
    return digest.digest()


def path_error(path: str) -> str | None:
    """Say what is wrong with a tree path, or None if it may be used below a root.

    A good path is relative, normal and printable enough to be shown: no empty, '.' or '..' part, no NUL, at most
    4096 bytes in all and 255 in a part.
    """
    if not path or path.startswith("/") or "\0" in path:
        return "must be relative, not empty and without NUL"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "must not have an empty, '.' or '..' part"
    if len(path.encode(errors="surrogatepass")) > 4096 or any(
        len(p.encode(errors="surrogatepass")) > 255 for p in path.split("/")
    ):
        return "is longer than a file system takes"
    return None
