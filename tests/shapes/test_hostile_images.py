"""The images under tests/data/images do what the hardening tests need, so that none of those passes for nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

IMAGES: Final = Path(__file__).parents[1] / "data" / "images"

pytestmark = pytest.mark.docker


def loss_in(output: str) -> float:
    found = re.search(r"^loss: (\S+)$", output, re.MULTILINE)
    assert found, output
    return float(found[1])


def test_hostile_image_asks_for_everything(build_on_debian: Any, engine: Any) -> None:
    config = engine.images.get(build_on_debian("image-hostile", IMAGES / "hostile")).attrs["Config"]
    assert config["StopSignal"] == "SIGCONT"
    assert config["Healthcheck"]["Test"][0] == "CMD-SHELL"
    assert config["OnBuild"] == ["RUN touch /onbuild-ran"]
    assert set(config["Volumes"]) == {"/data", "/var/lib/hostile"}
    assert {"LD_PRELOAD=/hostile/preload.so", "NVIDIA_VISIBLE_DEVICES=all"} <= set(config["Env"])
    assert config["Labels"]["nightlab.study"] == "forged"


def test_hostile_image_gets_in_where_nothing_stops_it(build_on_debian: Any, engine: Any) -> None:
    image = build_on_debian("image-hostile", IMAGES / "hostile")
    output = engine.containers.run(
        image, user="65532:65532", network_mode="none", stdout=True, stderr=True, remove=True
    ).decode()
    assert "HOSTILE preload in pid 1 uid 65532" in output
    assert "HOSTILE entrypoint as uid 65532" in output
    assert "me: 65532 setuid: 0 setgid: 0" in output
    assert 0 < loss_in(output) < 1


def test_scratch_image_has_one_program_and_trains(build_on_debian: Any, run_alone: Any) -> None:
    image = build_on_debian("image-scratch", IMAGES / "scratch")
    other_seed = run_alone(image, "/busybox awk -v seed=5 -f train.awk")
    assert loss_in(run_alone(image)) != loss_in(other_seed)
    # What is left of / besides the engine's own mounts.
    made_by_engine = {".dockerenv", "dev", "etc", "proc", "sys"}
    assert set(run_alone(image, "/busybox ls -A /").split()) - made_by_engine == {"busybox", "repo"}


def test_musl_image_runs_a_program_of_the_other_libc(build_on_debian: Any, run_alone: Any) -> None:
    image = build_on_debian("image-musl", IMAGES / "musl")
    assert loss_in(run_alone(image)) != loss_in(run_alone(image, "train train.c 4"))
    linked = run_alone(image, "sh -c '/lib/ld-musl-*.so.1 --list /bin/train'")
    assert "ld-musl" in linked
    assert "libc.so.6" not in linked
