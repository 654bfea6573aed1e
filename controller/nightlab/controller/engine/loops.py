"""Size-limited file systems in files: an ext4 image on a loop device.

Needs root on the machine itself. Which volume uses one is decided in `volumes`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from nightlab.controller.errors import EngineError

TOOLS: Final = ("mkfs.ext4", "debugfs", "losetup")
_SYSTEM_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
TOOL_TIMEOUT_S: Final = 60.0
INODE_BYTES: Final = 16384
SMALLEST_BYTES: Final = 2 * 2**20
_BLOCK_DEVICES: Final = Path("/sys/block")


def loop_problem() -> str | None:
    """Say why no loop device can be used here, or None if one can."""
    if os.geteuid() != 0:
        return "it needs root"
    if not Path("/dev/loop-control").exists():
        return "/dev/loop-control does not exist (the kernel's loop module is not loaded)"
    absent = [tool for tool in TOOLS if shutil.which(tool, path=_SYSTEM_PATH) is None]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: e2fsprogs, mount)"
    filesystems = Path("/proc/filesystems").read_text().split()
    return None if "ext4" in filesystems else "the kernel does not know ext4"


def make_image(path: Path, size_bytes: int) -> None:
    """Write an empty ext4 file system whose root everyone may add to and only root may change (mode 1777).

    The space is taken from the disk at once, so that a full disk shows here and not in the middle of a run. There is no
    journal: a workspace that lost power is thrown away.

    Args:
        path: Where; must not exist. A failure leaves nothing there.
        size_bytes: Size of the image; the file system's own tables come out of it.

    Raises:
        EngineError: The disk is full, or a tool failed.
    """
    size = max(size_bytes, SMALLEST_BYTES)
    partial = path.with_suffix(".partial")
    try:
        _allocate(partial, size)
        _tool("mkfs.ext4", "-q", "-F", "-m", "0", "-i", str(INODE_BYTES), "-O", "^has_journal,^resize_inode",
              "-E", "root_owner=0:0,lazy_itable_init=1,nodiscard", str(partial))  # fmt: skip
        # mke2fs gained root_perms in 1.47.1 only; lost+found is a directory that no training script could read.
        _tool("debugfs", "-w", "-f", "-", str(partial), stdin="set_inode_field <2> mode 041777\nrmdir /lost+found\n")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def attach(path: Path) -> str:
    """Attach an image to a loop device, or find the one it has.

    Returns:
        The device, such as "/dev/loop8".

    Raises:
        EngineError: No device can be had.
    """
    if device := attached(path.parent).get(path):
        return device
    return _tool("losetup", "--find", "--show", str(path)).strip()


def attached(folder: Path) -> dict[Path, str]:
    """List the images below a folder that have a loop device, deleted files too: path -> device."""
    found = {}
    for entry in _BLOCK_DEVICES.glob("loop*/loop/backing_file"):
        try:
            backing = Path(entry.read_text().strip().removesuffix(" (deleted)"))
        except OSError:
            continue  # detached between the listing and the reading
        if backing.is_relative_to(folder):
            found[backing] = f"/dev/{entry.parts[3]}"
    return found


def detach(path: Path) -> None:
    """Free the loop device of an image and delete the image. Neither need exist.

    A device that is still mounted is freed by the kernel when it is unmounted.

    Raises:
        EngineError: The device cannot be freed.
    """
    if device := attached(path.parent).get(path):
        _tool("losetup", "--detach", device)
    path.unlink(missing_ok=True)


def _allocate(path: Path, size_bytes: int) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EngineError(
            f"cannot reserve {size_bytes} bytes for a workspace at {path}: {error.strerror}; free disk space, or lower "
            "train.workspace_size or search.parallel"
        ) from error


def _tool(*command: str, stdin: str = "") -> str:
    environment = {"PATH": _SYSTEM_PATH, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=True, timeout=TOOL_TIMEOUT_S, env=environment
        )
    except subprocess.CalledProcessError as error:
        raise EngineError(f"{' '.join(command)} failed: {error.stderr.strip() or error.returncode}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{' '.join(command)} failed: {error}") from error
    return done.stdout
