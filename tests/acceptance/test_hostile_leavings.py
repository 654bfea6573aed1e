"""What a run leaves in its workspace can spoil its own result, never the walk: it is scored all the same (B03, D03)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.acceptance.conftest import Ground

from nightlab.controller.config.schema import Config, MiB
from nightlab.controller.trial.collect import collect
from nightlab.controller.trial.spawn import SpawnRequest

pytestmark = pytest.mark.docker
LOSS = {"name": "loss", "measure": {"source": "json", "path": "result.json", "key": "loss"}}


def with_train(ground: Ground, **settings: object) -> Ground:
    """The same ground under another config, whose objective is a number in a file."""
    asked = ground.config.model_dump(mode="json", exclude_defaults=True)
    asked["train"].update(settings)
    config = Config.model_validate(asked | {"objectives": [LOSS]})
    ground.spawner._config = config
    return replace(ground, config=config)


async def score(ground: Ground, files: Mapping[str, str], **walk: object) -> tuple[float | None, ...]:
    outcome = await ground.walk(ground.tree(files), **walk)
    assert outcome.ending == "finished", (outcome.reason, ground.output(outcome))
    return tuple(measurement.value for measurement in outcome.measurements)


async def test_a_crowd_of_files_costs_no_score_and_hides_nothing(ground):
    code = """
import os
os.mkdir("out")
for number in range(18_000):
    os.close(os.open("out/" + "x" * 220 + str(number), os.O_CREAT))
open("out/json.py", "w").close()
open("result.json", "w").write('{"loss": 2.5}')
"""
    roomy = with_train(ground, workspace_size=400 * MiB)
    outcome = await roomy.walk(roomy.tree({"train.py": code}))
    assert outcome.ending == "finished", outcome.reason
    assert [m.value for m in outcome.measurements] == [2.5]
    assert outcome.added_importable == ("out/json.py",)


async def test_a_full_workspace_and_closed_or_endless_paths_cost_no_score(ground):
    code = """
import os
open("result.json", "w").write('{"loss": 2.5}')
top = os.open(".", os.O_DIRECTORY)
for _ in range(40):
    os.mkdir("d" * 100); os.chdir("d" * 100)
os.close(os.open("f" * 200 + ".py", os.O_CREAT))
os.chdir(top)
os.mkfifo("pipe.py")
os.close(os.open(b"bad\\xff\\n\\x1b[31m.py", os.O_CREAT))
os.mkdir("closed"); os.chmod("closed", 0)
for name, step in (("fill", 65536), ("more", 512)):
    try:
        with open(name, "wb", buffering=0) as file:
            while True: file.write(bytes(step))
    except OSError as error: print(error)
"""
    assert await score(with_train(ground), {"train.py": code}) == (2.5,)


async def test_a_number_is_never_read_from_what_an_earlier_attempt_left(ground):
    ground = with_train(ground)
    writes = "open('result.json', 'w').write('{\"loss\": 0.001}')"
    outcome = await ground.walk(ground.tree({"train.py": writes}))
    assert [m.value for m in outcome.measurements] == [0.001]
    directory = (ground.state.root / outcome.log_path).parent
    assert (directory / "measured" / "result.json").exists()
    async with ground.spawner.spawn(SpawnRequest(f"nightlab-{ground.study_id}-again", "trial")) as live:
        taken = await collect(live.sandbox, ground.config, ground.site, directory)
    assert taken.contents() == {}
