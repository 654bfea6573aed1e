"""The toolbox starts in any image, takes nothing from it, and is found damaged if it is."""

from __future__ import annotations

import json
import statistics
import time

import docker
import pytest

from nightlab.controller.images import ensure_toolbox
from nightlab.controller.images.toolbox import LABEL, MOUNT, fill_volume

pytestmark = pytest.mark.docker

IMPORTS = """
import asyncio, ctypes, hashlib, json, sys
import grpc.aio, structlog
import nightlab.sandbox
from nightlab.api.digest import tree_digest
from nightlab.api.sandbox.v1 import sandbox_pb2, sandbox_pb2_grpc
channel_options = grpc.aio.insecure_channel
maps = [line.split()[-1] for line in open("/proc/self/maps") if "/" in line]
print(json.dumps({
    "digest": tree_digest([]).hex(),
    "message": sandbox_pb2.Hello(protocol=1).SerializeToString().hex(),
    "sha256": hashlib.sha256(b"").hexdigest(),
    "libc": ctypes.CDLL(None).getpid() > 0,
    "foreign": sorted({path for path in maps if path.startswith("/") and not path.startswith("/nightlab/toolbox/")}),
    "sources": [m.__name__ for m in (grpc, structlog, nightlab.api.digest) if not m.__cached__],
    "path": sys.path,
    "environment": dict(__import__("os").environ),
}))
"""


@pytest.mark.parametrize("stage", ["scratch", "musl", "hostile"])
def test_the_images_own_program_runs(stage, foreign_image, client):
    """So that what follows says something about the toolbox and not about a broken image."""
    environment = {"LD_PRELOAD": ""}
    output = client.containers.run(
        foreign_image(stage), entrypoint="/program", environment=environment, network_mode="none", remove=True
    )
    assert output == b"the image's own program\n"


@pytest.mark.parametrize("stage", ["scratch", "musl", "hostile"])
def test_python_starts_and_takes_nothing_from_the_image(stage, foreign_image, run, toolbox):
    done = run(foreign_image(stage), [*toolbox.python, "-c", IMPORTS])
    assert (done.status, done.stderr) == (0, "")
    seen = json.loads(done.stdout)
    assert seen["message"] == "0801"
    assert seen["libc"]
    assert seen["foreign"] == []
    assert all(entry.startswith(f"{MOUNT}/") for entry in seen["path"])
    assert not {name for name in seen["environment"] if name.startswith(("LD_", "PYTHON", "NIGHTLAB", "GLIBC"))}


def test_the_supervisors_own_entrypoint_is_that_python(toolbox):
    assert toolbox.entrypoint == (*toolbox.python, "-m", "nightlab.sandbox")


def test_the_hostile_image_does_stop_what_is_not_protected(foreign_image, run, toolbox):
    """The image's own dynamic programs die of its preload list: the attack works where nothing is done about it."""
    image = foreign_image("hostile")
    assert run(image, ["/bin/true"], environment={"LD_PRELOAD": "", "LD_AUDIT": ""}).status > 128
    trusting = [word.replace("OPENSSL_CONF=/dev/null", "OPENSSL_CONF_OFF=") for word in toolbox.python]
    hashing = "import _hashlib; print(_hashlib.openssl_sha256(b'').hexdigest()[:8])"
    assert run(image, [*trusting, "-c", hashing]).status != 0
    assert run(image, [*toolbox.python, "-c", hashing]).stdout == "e3b0c442\n"


@pytest.mark.parametrize("stage", ["scratch", "musl", "hostile"])
def test_ruff_runs_by_itself(stage, foreign_image, run, toolbox):
    done = run(foreign_image(stage), [toolbox.ruff, "--version"])
    assert (done.status, done.stdout.strip()) == (0, "ruff 0.17.5")


def test_the_toolbox_cannot_be_written(foreign_image, run, toolbox):
    script = f"open('{MOUNT}/bin/ruff', 'ab')"
    done = run(foreign_image("scratch"), [*toolbox.python, "-c", script])
    assert "Read-only file system" in done.stderr


def test_every_module_is_compiled_ahead(foreign_image, run, toolbox):
    script = (
        "import pathlib, importlib.util as u\n"
        f"sources = list(pathlib.Path('{MOUNT}/lib/python3.11').rglob('*.py'))\n"
        "print(len(sources) > 400, [str(s) for s in sources if not pathlib.Path(u.cache_from_source(str(s))).exists()])"
    )
    assert run(foreign_image("scratch"), [*toolbox.python, "-c", script]).stdout.strip() == "True []"


def test_a_damaged_volume_is_filled_anew(client, toolbox):
    """As after an engine that was killed while it copied: the volume has its name, and half its content."""
    lines: list[str] = []
    volume = fill_volume(client, toolbox.image, "test-damage", lines.append)  # not the one that studies may be using
    try:
        in_box = [word.replace(MOUNT, "/box") for word in toolbox.python]
        damage = "import os; os.truncate('/box/bin/ruff', 4096); os.unlink('/box/lib/python3.11/abc.py')"
        client.containers.run(
            toolbox.image,
            entrypoint=in_box[0],
            command=[*in_box[1:], "-c", damage],
            mounts=[docker.types.Mount("/box", volume, type="volume", no_copy=True)],
            network_mode="none",
            remove=True,
        )
        assert fill_volume(client, toolbox.image, "test-damage", lines.append) == volume
        assert len(lines) == 1
        assert lines[0].endswith("anew: bin/ruff lib/python3.11/abc.py")
        assert fill_volume(client, toolbox.image, "test-damage", lines.append) == volume
        assert len(lines) == 1
    finally:
        client.volumes.get(volume).remove()


def test_a_sound_toolbox_is_used_as_it_is(client, toolbox):
    lines: list[str] = []
    assert ensure_toolbox(client, progress=lines.append) == toolbox
    assert lines == []


def test_no_container_is_left(client, toolbox):
    assert client.containers.list(all=True, filters={"label": f"{LABEL}={toolbox.digest}"}) == []


def test_it_starts_soon_in_an_empty_image(foreign_image, run, toolbox):
    """A generous bound on a shared machine; `make bench` has the number to hold."""
    image = foreign_image("scratch")

    def median_s(command: list[str]) -> float:
        taken = []
        for _ in range(5):
            before = time.perf_counter()
            assert run(image, command).status == 0
            taken.append(time.perf_counter() - before)
        return statistics.median(taken)

    assert median_s([*toolbox.python, "-c", "import nightlab.sandbox"]) - median_s(["/program"]) < 0.5
