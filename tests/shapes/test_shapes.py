"""Each shape is what its shape.toml says, under a plain `docker build` and `docker run`.

Trying nightlab on them belongs to the acceptance tests.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from docker.errors import ContainerError
from ruff import find_ruff_bin

SHAPES: Final = sorted(path.parent for path in Path(__file__).parent.glob("*/shape.toml"))
NAMES: Final = [shape.name for shape in SHAPES]
SEEDABLE: Final = ("argument", "variable")
OTHER_SEED: Final = 4021

each_shape = pytest.mark.parametrize("shape", SHAPES, ids=NAMES)


def facts_of(shape: Path) -> dict[str, Any]:
    return tomllib.loads((shape / "shape.toml").read_text())


def metric_in(output: str, shape: Path) -> float:
    found = re.findall(facts_of(shape)["metric"]["pattern"], output, re.MULTILINE)
    assert found, f"{shape.name} printed no metric:\n{output}"
    return float(found[-1])


def test_there_are_ten_and_none_knows_nightlab() -> None:
    assert len(SHAPES) == 10
    assert not [path for shape in SHAPES for path in shape.rglob("nightlab.toml")]


@each_shape
def test_shape_names_a_literal_seed_that_is_there(shape: Path) -> None:
    seed = facts_of(shape)["seed"]
    if seed["kind"] in SEEDABLE:
        return
    path, _, qualified = seed["name"].partition(":")
    assert re.search(rf"\b{qualified.split('.')[-1]}\b", (shape / "repo" / path).read_text())


@pytest.mark.docker
@each_shape
def test_shape_trains_without_network_and_its_seed_matters(shape: Path, build_on_python: Any, run_alone: Any) -> None:
    facts = facts_of(shape)
    image = build_on_python(f"shape-{shape.name}", shape / "repo")
    first = metric_in(run_alone(image, facts["command"]), shape)
    kind, name = facts["seed"]["kind"], facts["seed"]["name"]
    if kind not in SEEDABLE:
        return
    command = facts["command"] + (f" {name} {OTHER_SEED}" if kind == "argument" else "")
    env = {name: str(OTHER_SEED)} if kind == "variable" else {}
    assert metric_in(run_alone(image, command, env), shape) != first


@pytest.mark.docker
@each_shape
def test_shape_has_its_repo_and_working_directory_where_it_says(
    shape: Path, build_on_python: Any, run_alone: Any, engine: Any
) -> None:
    facts = facts_of(shape)
    image = build_on_python(f"shape-{shape.name}", shape / "repo")
    assert engine.images.get(image).attrs["Config"]["WorkingDir"] == facts["workdir"]
    inside = set(run_alone(image, f"ls -A {facts['workspace']}").split())
    assert {path.name for path in (shape / "repo").iterdir() if path.suffix in {".py", ".sh"}} <= inside
    assert {path.parent.name for path in (shape / "repo").glob("*/*.py")} <= inside


@pytest.mark.docker
@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("env-pythonpath", {"PYTHONPATH": ""}),
        ("root-cache", {"HOME": "/nonexistent"}),
    ],
)
def test_shape_needs_what_its_image_sets(
    name: str, missing: dict[str, str], build_on_python: Any, run_alone: Any
) -> None:
    shape = Path(__file__).parent / name
    image = build_on_python(f"shape-{name}", shape / "repo")
    with pytest.raises(ContainerError, match="non-zero exit status 1"):
        run_alone(image, facts_of(shape)["command"], missing)


def test_annotations_trip_ruff_in_the_unmodified_repo() -> None:
    repo = Path(__file__).parent / "shape-annotations" / "repo"
    done = subprocess.run(
        [find_ruff_bin(), "check", "--isolated", "--no-cache", "--select", "F", "--output-format", "json", "attn"],
        cwd=repo,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert {finding["code"] for finding in json.loads(done.stdout)} == {"F722", "F821"}
