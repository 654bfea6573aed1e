"""Ten repos that know nothing of nightlab reach a scored baseline through `init`, and a night through `run`.

What is asserted is in each shape's shape.toml, which `init` never sees: command, place, metric and seed.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import docker
import pytest
from typer.testing import CliRunner

from nightlab.controller.cli.app import app
from nightlab.controller.engine import Engine
from nightlab.controller.images import ensure_python_base

SHAPES: Final = sorted(path.parent for path in (Path(__file__).parents[1] / "shapes").glob("*/shape.toml"))
WITH_GIT: Final = frozenset({"out-and-log", "built-data", "c-extension", "bash-script", "root-cache"})
# What a shape promises beyond its score: paths that the run's outputs must hold.
OUTPUTS: Final = {"out-and-log": {"train.log", "out/params.npz"}, "bash-script": {"work/train.out"}}

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def base() -> None:
    client = docker.from_env()
    ensure_python_base(client)
    client.close()


@pytest.fixture(params=SHAPES, ids=[shape.name for shape in SHAPES])
def shape(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def repo(shape: Path, tmp_path: Path) -> Iterator[Path]:
    target = tmp_path / shape.name
    shutil.copytree(shape / "repo", target)
    if shape.name in WITH_GIT:
        commit(target)
    yield target
    answer(["clean", "--repo", str(target), "--records"])


def commit(repo: Path) -> None:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=repo, check=True, capture_output=True)


def answer(arguments: list[str]) -> dict[str, Any]:
    """Run a command as a person would and return what it answers in JSON."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, f"{arguments}: {result.stdout}\n{result.stderr}\n{result.exception!r}"
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def last_match(log: Path, pattern: str) -> float:
    found = re.findall(pattern, log.read_text(errors="replace"), re.MULTILINE)
    assert found, f"{log} has no {pattern}"
    return float(found[-1])


async def left_on_the_engine(repo: Path) -> tuple[str, ...]:
    engine = await Engine.open(repo / ".nightlab")
    try:
        return (await engine.leftovers()).lines()
    finally:
        await engine.close()


def test_a_foreign_repo_gets_a_scored_baseline_and_a_night(shape: Path, repo: Path) -> None:
    facts = tomllib.loads((shape / "shape.toml").read_text())

    made = answer(["init", str(repo)])
    assert made["command"] == facts["command"]
    assert made["workspace"] == facts["workspace"]
    assert made["workdir"] == facts["workdir"]
    assert made["entrypoint"] == facts.get("entrypoint", "none")
    assert made["direction"] == facts["metric"]["direction"]
    assert (
        made["seed"] == f"{facts['seed']['kind']} {'$' * (facts['seed']['kind'] == 'variable')}{facts['seed']['name']}"
    )
    assert made["tunable"] > 0
    assert made["baseline"]["base_value"] == made["value"]  # the script's own seed, digit for digit
    config = tomllib.loads((repo / "nightlab.toml").read_text())
    assert config["noise"]["seed"]["name"] == facts["seed"]["name"]

    view = answer(["run", str(repo), "--trials", "1", "--set", "noise.repeats=2", "--set", "noise.confirm=0"])
    verdicts = {trial["number"]: trial["verdict"] for trial in view["trials"]}
    assert [verdicts[0], verdicts[1]] == ["baseline", "baseline"]
    assert verdicts[2] in ("keep", "discard", "no effect")
    state = repo / ".nightlab/studies" / view["id"] / "trials"
    for number in (0, 1, 2):
        score = next(s for s in view["trials"][number]["scores"] if s["name"] == made["objective"])
        assert score["value"] == last_match(state / str(number) / "output-1.log", facts["metric"]["pattern"])
    values = {view["trials"][number]["scores"][0]["value"] for number in (0, 1)}
    assert len(values) == 2, "another seed must give another score"
    for path in OUTPUTS.get(shape.name, ()):
        assert (state / "2" / "outputs" / path).stat().st_size > 0
    if shape.name == "out-and-log":
        assert (state / "2/outputs/train.log").read_text().count("---") == 1, "a log is each run's own"
    assert asyncio.run(left_on_the_engine(repo)) == ()
