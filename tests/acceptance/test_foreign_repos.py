"""Repos with habits that break tools: each gets a nightlab.toml and a scored baseline, or is told what is missing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import docker
import pytest
from typer.testing import CliRunner

from nightlab.controller.cli.app import app
from nightlab.controller.images import ensure_python_base

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]

# Trains a line on noisy points; what differs between the repos is where it stands and how it talks.
TRAIN: Final = '''"""Fits a line to noisy points."""
import argparse, json, os, random, sys

LEARNING_RATE = 0.05

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    points = [(x / 50, 3 * x / 50 + rng.gauss(0, 0.3)) for x in range(50)]
    slope = 0.0
    for epoch in range(20):
        for x, y in points:
            slope -= LEARNING_RATE * 2 * (slope * x - y) * x
        loss = sum((slope * x - y) ** 2 for x, y in points) / len(points)
        TELL_EPOCH
    TELL_END

if __name__ == "__main__":
    main()
'''
Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture(scope="module", autouse=True)
def base() -> None:
    client = docker.from_env()
    ensure_python_base(client)
    client.close()


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    repo = tmp_path / "somebody-elses"

    def files(contents: Mapping[str, str]) -> Path:
        for name, text in contents.items():
            (repo / name).parent.mkdir(parents=True, exist_ok=True)
            (repo / name).write_bytes(text.encode())
        return repo

    yield files
    CliRunner().invoke(app, ["clean", "--repo", str(repo), "--json"])


def script(epoch: str, end: str) -> str:
    return TRAIN.replace("TELL_EPOCH", epoch).replace("TELL_END", end)


def init(repo: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["init", str(repo), *arguments, "--json"])
    assert result.exit_code == code, f"{result.stdout}\n{result.stderr}\n{result.exception!r}"
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_no_dockerfile_and_a_metric_on_stderr_in_colours_behind_a_progress_bar(write: Write) -> None:
    bar = r'sys.stderr.write(f"\r{epoch}/20 \x1b[33mval_loss\x1b[0m: {loss:.5f} \xe9")'
    repo = write({"train.py": script(bar, 'print("done", file=sys.stderr)'), "README.md": "# a line\r\n"})
    made = init(repo)
    assert made["dockerfile_written"] is True
    assert (repo / "Dockerfile").read_text().startswith("# Written by `nightlab init`")
    assert (made["command"], made["objective"], made["seed"]) == ("python3 train.py", "val_loss", "argument --seed")
    assert made["baseline"]["base_value"] == made["value"] < 0.2


def test_a_flattened_copy_another_user_a_closed_directory_and_a_metric_in_a_log_file(write: Write) -> None:
    dockerfile = (
        "ARG BASE=nightlab/python:3.11\r\nFROM ${BASE} AS first\r\nRUN true\r\nFROM first\r\n"
        'COPY src/ /app/\r\nWORKDIR /app\r\nUSER 4321\r\nENTRYPOINT ["python3"]\r\nCMD ["fit.py"]\r\n'
    )
    end = 'os.makedirs("/outputs/run", exist_ok=True); open("/outputs/run/model.txt", "w").write(str(slope))'
    log = 'print(f"epoch {epoch} validation mse {loss:.5f}", file=open("fit.log", "a"))'
    repo = write({"docker/Dockerfile": dockerfile, "src/fit.py": script(log, end), "src/eval.py": "x = 1\n"})
    made = init(repo)
    config = tomllib.loads((repo / "nightlab.toml").read_text())
    assert config["image"]["dockerfile"] == "docker/Dockerfile"
    assert config["train"]["writable"] == ["/outputs"]
    assert "src/fit.py" in made["command"], "the repo's own file, which edits reach, not the image's copy of it"
    assert "cat fit.log" in made["command"]
    assert config["train"]["protected"] == ["src/eval.py"]
    assert (made["objective"], made["seed"], made["tunable"]) == ("validation_mse", "argument --seed", 1)
    assert made["baseline"]["base_value"] == made["value"]


def test_a_metric_in_a_json_file_and_a_repo_that_the_image_does_not_hold(write: Write) -> None:
    end = 'json.dump({"epochs": 20, "test": {"rmse": round(loss ** 0.5, 6)}}, open("metrics.json", "w"))'
    repo = write(
        {
            "Dockerfile": "ARG BASE=nightlab/python:3.11\nFROM ${BASE}\nENV HOME=/nonexistent\n",
            "Makefile": "train:\n\tpython3 tools/fit.py\n",
            "tools/fit.py": script("pass", end),
        }
    )
    made = init(repo)
    measure = tomllib.loads((repo / "nightlab.toml").read_text())["objectives"][0]["measure"]
    assert measure == {"source": "json", "path": "metrics.json", "key": "test.rmse"}
    assert (made["command"], made["workspace"]) == ("python3 tools/fit.py", "/workspace")
    assert made["baseline"]["base_value"] == made["value"]


def test_what_cannot_be_found_is_said_with_what_to_pass_and_nothing_is_written(write: Write) -> None:
    dockerfile = "ARG BASE=nightlab/python:3.11\nFROM ${BASE}\nCOPY . /app\nWORKDIR /app\n"
    repo = write({"Dockerfile": dockerfile, "train.py": script("pass", 'print(f"wobble = {loss:.4f}")')})
    error = init(repo, code=1)["error"]
    assert error["code"] == "onboarding"
    assert "wobble" in error["message"]
    assert "--metric" in error["hint"]
    assert not (repo / "nightlab.toml").exists()

    error = init(repo, "--metric", r"wobble = (\S+)", code=1)["error"]
    assert "--direction" in error["message"]
    made = init(repo, "--metric", r"wobble = (\S+)", "--direction", "minimize", "--no-baseline")
    assert (made["objective"], made["baseline"]) == ("wobble", None)
    assert init(repo, code=1)["error"]["code"] == "config", "what is there is not replaced without --force"
