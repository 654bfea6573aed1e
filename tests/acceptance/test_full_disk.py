"""A state directory on a disk that fills up: the study stops and says why, and goes on when there is room (C07)."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a file system is mounted")


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path], None]]:
    """Mount a disk of 48 MiB."""
    mounted: list[Path] = []

    def mount(path: Path) -> None:
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=0700", "small", str(path)], check=True)
        mounted.append(path)

    yield mount
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path: Path) -> None:
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


@needs_root
def test_a_full_disk_stops_the_study_which_goes_on_when_there_is_room(study, small_disk):
    it = study(prints_s={1: 3.0})
    small_disk(it.state.root)
    ballast = it.state.root / "ballast"
    controller = it.start()
    controller.says(r"^trial 0 \| step")
    fill(ballast)
    assert controller.ends() == 1, controller.said
    said = "\n".join(controller.said)
    assert "Traceback" not in said
    assert re.search(r"error: .*(is full|No space left)", said)
    assert "--resume" in said
    ballast.unlink()
    it.runs("--resume")
    assert [row["verdict"] for row in it.rows("select verdict from trial")] == ["baseline"]
    it.check_is_over()
