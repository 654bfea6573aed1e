"""What an image brings beside the sources never runs in their place, and is as it was when the run begins."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from tests.acceptance.conftest import Ground
from tests.acceptance.meddling import MeddledSpawner, once

from nightlab.controller.model.change import Where
from nightlab.controller.model.trial import Ending
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.trial.spawn import Spawner

pytestmark = pytest.mark.docker
SOURCES = {
    "train.py": "import json, os, prefixed, compiled, packed\n"
    "found = open('data/table.csv').read().strip()\n"
    "print(json.dumps([prefixed.LR, compiled.LR, packed.LR, found, sorted(os.listdir('data'))]))\n",
    "prefixed.py": "LR = 0.5\n",
    "compiled.py": "LR = 0.5\n",
    "packed.py": "LR = 0.5\n",
}
DOCKERFILE = """
FROM nightlab/python:3.11
ENV PYTHONPYCACHEPREFIX=/opt/cache
WORKDIR /app
COPY app .
RUN python3 -m compileall -q --invalidation-mode unchecked-hash prefixed.py \\
 && mkdir packed data && echo "LR = 0.1" > packed/__init__.py && echo 0.5 > data/table.csv \\
 && cp "$(python3 -c 'import _json; print(_json.__file__)' 2>/dev/null || echo /bin/true)" compiled.abi3.so
"""


@pytest.fixture(scope="module")
def brought(image: str) -> Iterator[str]:
    """An image that was built of older sources, with what a build leaves: bytecode, an extension, a package."""
    client, tag = docker.from_env(), f"nightlab-test/brought:{uuid.uuid4().hex[:6]}"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for path, text in {"Dockerfile": DOCKERFILE, **{f"app/{p}": t for p, t in SOURCES.items()}}.items():
            member = tarfile.TarInfo(path)
            content = text.replace("LR = 0.5", "LR = 0.1").encode()
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    client.images.build(
        fileobj=io.BytesIO(context.getvalue()), custom_context=True, tag=tag, rm=True, network_mode="none"
    )
    yield tag
    client.images.remove(tag)
    client.close()


@pytest.fixture
async def there(ground: Ground, brought: str) -> AsyncIterator[Ground]:
    """The ground with that image's site; its volumes go with the ground's state directory."""
    config = ground.config.model_copy(update={"image": ground.config.image.model_copy(update={"name": brought})})
    spawner = Spawner(config, ground.engine, ground.spawner._toolbox, ground.blobs, ground.state, ground.study_id)
    maker = SiteMaker(config, ground.engine, ground.state, ground.study_id, spawner, lambda _line: None)
    site, _ = await maker.make(ground.tree(SOURCES))
    yield replace(ground, config=config, site=site, spawner=spawner)
    await ground.engine.remove_leftovers(await ground.engine.leftovers())


def flip_table(app: Path) -> None:
    (app / "data/table.csv").write_text("0.3\n")


def add_and_remove(app: Path) -> None:
    (app / "data/table.csv").unlink()
    (app / "data/more").mkdir()


async def test_nothing_that_was_built_of_older_sources_runs_in_the_place_of_the_sealed_ones(there):
    outcome = await there.walk(there.tree(SOURCES))
    assert (outcome.ending, outcome.gate.drifts) == (Ending.FINISHED, ()), there.output(outcome)
    assert there.told(outcome) == [0.5, 0.5, 0.5, "0.5", ["table.csv"]]
    for meddle in (flip_table, add_and_remove):
        spawner = MeddledSpawner(there.spawner, once(lambda root, meddle=meddle: meddle(root / "app")))
        outcome = await there.walk(there.tree(SOURCES), spawner=spawner)
        assert there.told(outcome) == [0.5, 0.5, 0.5, "0.5", ["table.csv"]]
        (drift,) = outcome.gate.drifts
        assert (drift.where, drift.is_rolled_back) == (Where.SEALED, True)
        told = [str(fact) for change in drift.explanation.changes for fact in change.facts]
        assert "not as it was put there: its content, owner or mode, data/table.csv" in told
