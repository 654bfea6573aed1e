"""One study that uses what the others leave alone: prepared data, files as scores, a seed variable, places to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.conftest import Study

pytestmark = [pytest.mark.docker, pytest.mark.slow]

DOCKERFILE = """
ARG BASE=nightlab/python:3.11
FROM ${BASE}
RUN useradd -m trainer && mkdir -p /var/cache/app /scratch /opt/job && echo baked > /scratch/baked.txt
WORKDIR /opt/job
COPY . .
VOLUME /scratch
RUN echo built > /opt/job/untracked.txt && mkdir empty_dir
USER trainer
"""
TRAIN = """
import csv, json, os, pathlib

LEARNING_RATE = 0.1
seed = int(os.environ["SEED"])
try:
    open("/data/x", "w")
    data_is = "writable"
except OSError:
    data_is = "read-only"
for place in ("/var/cache/app", "/scratch", os.environ["HOME"], "/tmp", "/dev/shm", "..", "../empty_dir"):
    pathlib.Path(place, "written").write_text("x")
print(json.dumps({
    "cwd": os.getcwd(), "uid": os.getuid(), "home": os.environ["HOME"], "data": data_is,
    "untracked": open("../untracked.txt").read(), "baked": open("/scratch/baked.txt").read(),
}))
weight = float(open("/data/prepared.txt").read()) + seed / 1000
for _ in range(20):
    weight -= LEARNING_RATE * 2 * (weight - 3)
os.makedirs("../results", exist_ok=True)
json.dump({"eval": [{"loss": (weight - 3) ** 2}]}, open("../results/m.json", "w"))
with open("../results/h.csv", "w") as file:
    csv.writer(file).writerows([["step", "norm"], [1, 3.5], [2, 2.5]])
"""
CONFIG = """
[prepare]
command = "sh -c 'echo 1.25 > /data/prepared.txt'"
size = "32m"
[train]
command = "python3 train.py"
workdir = "src"
timeout = "60s"
memory = "256m"
workspace_size = "32m"
outputs = ["results/*.json"]
writable = ["/var/cache/app"]
[[objectives]]
name = "loss"
measure = { source = "json", path = "results/m.json", key = "eval.0.loss" }
[[constraints]]
name = "norm"
measure = { source = "csv", path = "results/h.csv", column = "norm", select = "max" }
max = 4.0
[noise]
seed = { kind = "variable", name = "SEED", base = 5 }
repeats = 3
[budget]
trials = 5
"""


def test_everything_that_is_configured_holds_in_every_trial(
    image: str, study_in: Callable[[Path], Study], tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "Dockerfile").write_text(DOCKERFILE)
    (repo / ".gitignore").write_text("untracked.txt\n")
    (repo / "src" / "train.py").write_text(TRAIN)
    (repo / "nightlab.toml").write_text(CONFIG)
    study = study_in(repo)
    study.runs()
    study.check_is_over()
    view = study.asks("status")
    log = (study.state.root / study.rows("select log_path from attempt")[0]["log_path"]).read_text()
    for fact in ('"cwd": "/opt/job/src"', '"uid": 1000', '"home": "/home/trainer"', '"data": "read-only"'):
        assert fact in log
    assert '"untracked": "built\\n"' in log
    assert '"baked": "baked\\n"' in log
    baselines = [t for t in view["trials"] if t["role"] == "baseline"]
    assert len({t["scores"][0]["value"] for t in baselines}) == 3
    assert {(t["bounds"][0]["value"], t["bounds"][0]["is_kept"]) for t in baselines} == {(3.5, True)}
    assert view["best"] is not None, "a learning rate that is ten times too low must be found"
    assert (study.state.trial(study.id, 0) / "outputs" / "results" / "m.json").is_file()
    assert sum(row["seconds"] for row in view["ledger"]) == pytest.approx(view["ran_s"] * view["slots"], rel=0.01)
    assert {t["posture"]["level"] for t in baselines} <= {"standard", "strict"}
