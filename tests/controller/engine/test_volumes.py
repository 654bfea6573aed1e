"""Size-limited volumes come, are found again, and go with everything that belongs to them."""

import asyncio
import subprocess
from dataclasses import replace

import pytest

from nightlab.controller.engine import VolumeMount, loops
from nightlab.controller.errors import ConfigError, EngineError

MiB = 2**20
needs_loops = pytest.mark.skipif(loops.loop_problem() is not None, reason=f"loop devices: {loops.loop_problem()}")


def _device(engine, name):
    return loops.attached(engine.state_dir / "volumes").get(engine.state_dir / "volumes" / f"{name}.img")


@pytest.mark.docker
@needs_loops
async def test_a_loop_volume_is_made_once_and_removed_whole(engine, study_id):
    name = f"nightlab-{study_id}-ws"
    first = await engine.make_workspace(name, 16 * MiB, "loop", study_id=study_id)
    device = _device(engine, name)
    assert device is not None
    assert await engine.make_workspace(name, 16 * MiB, "loop", study_id=study_id) == first
    assert _device(engine, name) == device
    assert (await engine.leftovers(study_id)).volumes == (name,)
    await engine.remove_volume(name)
    assert _device(engine, name) is None
    assert (await engine.leftovers()).is_empty
    await engine.remove_volume(name)


@pytest.mark.docker
@needs_loops
async def test_a_volume_follows_its_file_to_another_device(engine, study_id):
    """After a reboot the old device may be someone else's file."""
    name = f"nightlab-{study_id}-ws"
    await engine.make_workspace(name, 16 * MiB, "loop", study_id=study_id)
    before = _device(engine, name)
    await asyncio.to_thread(subprocess.run, ["losetup", "--detach", before], check=True)
    other = engine.state_dir / "volumes" / "nightlab-other.img"
    loops.make_image(other, 8 * MiB)
    await asyncio.to_thread(subprocess.run, ["losetup", before, other], check=True)
    await engine.make_workspace(name, 16 * MiB, "loop", study_id=study_id)
    after = _device(engine, name)
    assert after not in (None, before)
    assert engine.client.api.inspect_volume(name)["Options"]["device"] == after
    assert (await engine.leftovers()).images == (other,)


@pytest.mark.docker
async def test_another_studys_volume_is_not_taken(engine, study_id):
    name = f"nightlab-{study_id}-seed"
    await engine.make_volume(name, study_id=study_id)
    with pytest.raises(EngineError, match="not of study other"):
        await engine.make_volume(name, study_id="other")


@pytest.mark.docker
async def test_a_volume_in_use_is_not_removed(engine, study_id, make_spec):
    name = f"nightlab-{study_id}-seed"
    await engine.make_volume(name, study_id=study_id)
    container = await engine.create(make_spec("", volumes=(VolumeMount(name, "/seed"),)))
    with pytest.raises(EngineError, match="in use"):
        await engine.remove_volume(name)
    await engine.remove(container)
    await engine.remove_volume(name)


@pytest.mark.docker
async def test_clean_finds_and_removes_everything_of_a_study_and_nothing_else(engine, study_id, make_spec, tmp_path):
    await engine.make_volume(f"nightlab-{study_id}-seed", study_id=study_id)
    await engine.make_volume(f"nightlab-{study_id}x-seed", study_id=f"{study_id}x")
    spec = make_spec("import signal; signal.pause()")
    engine.link_dir(spec.name).mkdir(parents=True)
    await engine.start(await engine.create(replace(spec, link_dir=str(engine.link_dir(spec.name)))))
    found = await engine.leftovers(study_id)
    assert f"container {spec.name}" in found.lines()
    assert f"volume nightlab-{study_id}-seed" in found.lines()
    assert f"directory {engine.link_dir(spec.name)}" in found.lines()
    assert await engine.remove_leftovers(found) == ()
    assert (await engine.leftovers(study_id)).is_empty
    assert (await engine.leftovers()).volumes == (f"nightlab-{study_id}x-seed",)


@needs_loops
def test_a_full_disk_shows_before_the_run(tmp_path):
    with pytest.raises(EngineError, match="free disk space"):
        loops.make_image(tmp_path / "huge.img", 2**60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.docker
async def test_a_loop_that_cannot_be_had_is_a_config_error(engine, monkeypatch):
    monkeypatch.setattr(loops, "loop_problem", lambda: "it needs root")
    assert engine.choose_workspace_kind("auto") == "tmpfs"
    assert engine.choose_workspace_kind("tmpfs") == "tmpfs"
    with pytest.raises(ConfigError, match="it needs root"):
        engine.choose_workspace_kind("loop")


@pytest.mark.docker
async def test_a_name_cannot_lead_elsewhere(engine):
    with pytest.raises(EngineError):
        await engine.remove_volume("../../etc/passwd")
