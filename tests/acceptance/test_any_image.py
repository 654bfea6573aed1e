"""A whole study in images that have no Python, no glibc, or nothing at all beside one program."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from tests.acceptance.conftest import Study

from nightlab.controller.images.base import ensure_base

pytestmark = [pytest.mark.docker, pytest.mark.slow]
IMAGES = Path(__file__).parents[1] / "data" / "images"


@pytest.mark.parametrize(
    ("name", "command", "workspace", "user"),
    [("scratch", "/busybox awk -f train.awk", "/repo", 65532), ("musl", "train train.c", "", None)],
)
def test_an_image_that_knows_nothing_of_nightlab_reaches_a_scored_baseline(
    client: docker.DockerClient,
    study_in: Callable[[Path], Study],
    tmp_path: Path,
    name: str,
    command: str,
    workspace: str,
    user: int | None,
) -> None:
    ensure_base(client)
    repo = tmp_path / name
    shutil.copytree(IMAGES / name, repo)
    (repo / "nightlab.toml").write_text(
        f"""
        [train]
        command = "{command}"
        timeout = "60s"
        memory = "128m"
        workspace_size = "16m"
        [[objectives]]
        name = "loss"
        measure = {{ pattern = 'loss[ :=]+([0-9.]+)' }}
        [noise]
        repeats = 2
        [budget]
        trials = 1
        """
    )
    study = study_in(repo)
    study.runs()
    study.check_is_over()
    trials = study.asks("trial", "list")
    assert [t["verdict"] for t in trials] == ["baseline", "baseline"]
    assert all(t["scores"][0]["value"] > 0 for t in trials)
    assert trials[0]["gate"]["digest_inside"] == trials[0]["gate"]["digest_outside"] == trials[0]["tree_digest"]
    site = study.rows("select site from study")[0]["site"]
    if workspace:
        assert f'"workspace": "{workspace}"' in site
    if user is not None:
        assert f'"uid": {user}' in site
