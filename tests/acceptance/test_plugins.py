"""One real night in which plugins of strangers take part: a package, an image, another language, and a hostile one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from tests.acceptance.conftest import Controller, Study
from tests.acceptance.plugins import install_plugins, path_with, reword, write_repo

pytestmark = [pytest.mark.docker, pytest.mark.slow]
TRIALS = 14
GUESTS = ("warm-start", "yaml-moves", "momentum")


@pytest.fixture(scope="module")
def site(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_plugins(client, tmp_path_factory.mktemp("plugins"))


@dataclass
class Night:
    """What came of it."""

    study: Study
    controller: Controller

    def calls(self) -> set[str]:
        """Plugins whose calls trials were made of."""
        return {row["plugin"] for row in self.study.rows("select distinct plugin from call")}


@pytest.fixture
def night(
    site: Path, image: str, tmp_path: Path, study_in: Callable[[Path], Study], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Night]:
    monkeypatch.setenv("PYTHONPATH", path_with(site))

    def run(trials: int, *plugins: str) -> Night:
        write_repo(tmp_path / "repo", image, trials, *plugins)
        study = study_in(tmp_path / "repo")
        return Night(study, study.runs())

    return run


def test_strangers_take_part_and_the_report_shows_which_action_won_what(night: Callable[..., Night]) -> None:
    made = night(TRIALS, *GUESTS, "rude")
    made.study.check_is_over()
    _all_took_part(made)
