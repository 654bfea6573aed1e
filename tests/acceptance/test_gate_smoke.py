"""`nightlab gate --smoke` on the example of docs/gate.md: paired runs in containers let a held back fix through."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import docker
import pytest
from tests.controller.repo.conftest import make_clone
from typer.testing import CliRunner

from nightlab.controller.cli.app import app

EXAMPLE = Path(__file__).parents[2] / "examples/flipped"
WANTED = ("--fix", "all", "--select", "PLR1730", "--all-files", "--smoke", "--json")


@pytest.mark.docker
def test_paired_smoke_runs_let_a_fix_through(tmp_path: Path, client: docker.DockerClient, image: str) -> None:
    clone = make_clone(tmp_path / "flipped")
    shutil.copytree(EXAMPLE, clone.root, dirs_exist_ok=True)
    clone.commit()
    label = {"label": f"nightlab.state_dir={clone.root / '.nightlab'}"}
    try:
        view = json.loads(CliRunner().invoke(app, ["gate", str(clone.root), *WANTED]).stdout)
        assert client.containers.list(all=True, filters=label) == []
    finally:
        for made in client.images.list(filters=label):
            client.images.remove(made.id, force=True)
    assert (view["exit_code"], view["gate"]["smoke"]["ending"]) == (0, "finished")
    (fix,) = view["gate"]["fixes"]
    assert (fix["author"], fix["state"]) == ("ruff:PLR1730", "let through")
    assert fix["reason"].startswith("no difference seen in 2 lines of 3 runs")
