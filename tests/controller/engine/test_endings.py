"""How a container ended, and what someone else did to it (C06, C18)."""

import pytest

from nightlab.controller.engine import ContainerState, EndCause, Limits, end_cause
from nightlab.controller.errors import EngineError, ImageError

MiB = 2**20


async def _run_plain(engine, spec):
    """Run without meeting points, to its end."""
    container = await engine.create(spec)
    await engine.start(container)
    return container


@pytest.mark.docker
async def test_three_ways_to_die_are_told_apart(engine, make_spec):
    small = Limits(96 * MiB, pids=64, tmp_bytes=16 * MiB, shm_bytes=16 * MiB)
    hog = ("/usr/bin/python3", "-I", "-c", "held = [bytearray(1 << 20) for _ in range(1024)]")
    container = await _run_plain(engine, make_spec("", entrypoint=hog, limits=small))
    out_of_memory = await engine.wait(container, 30)
    await engine.remove(container)
    container = await _run_plain(engine, make_spec("import signal; signal.pause()"))
    await engine.kill(container)
    killed = await engine.wait(container, 30)
    await engine.remove(container)
    container = await _run_plain(engine, make_spec("raise SystemExit(3)"))
    exited = await engine.wait(container, 30)
    assert (out_of_memory.exit_code, killed.exit_code, exited.exit_code) == (137, 137, 3)
    assert end_cause(out_of_memory, 0) == EndCause.OUT_OF_MEMORY
    assert end_cause(killed, 0) == EndCause.KILLED
    assert end_cause(exited, 0) == EndCause.EXITED
    await engine.kill(container)  # one that has ended: no error


@pytest.mark.docker
async def test_what_others_do_to_a_container_is_seen(engine, make_spec):
    container = await _run_plain(engine, make_spec("import signal; signal.pause()"))
    api = engine.client.api
    assert (await engine.wait(container, 0.1)).is_running
    api.pause(container.container_id)
    assert (await engine.state(container)).status == "paused"
    api.unpause(container.container_id)
    api.rename(container.container_id, f"{container.name}-renamed")
    assert (await engine.state(container)).is_running
    assert await engine.find(container.name) is None
    assert [c.container_id for c in await engine.list(container.labels["study"])] == [container.container_id]
    api.remove_container(container.container_id, force=True, v=True)
    assert (await engine.state(container)).status == "gone"
    assert end_cause(await engine.state(container), 0) == EndCause.GONE
    await engine.kill(container)
    await engine.remove(container)


@pytest.mark.docker
async def test_a_name_is_a_lock(engine, make_spec):
    spec = make_spec("")
    first = await engine.create(spec)
    with pytest.raises(EngineError, match=spec.name):
        await engine.create(spec)
    found = await engine.find(spec.name)
    assert found is not None
    assert found == first
    assert (await engine.state(found)).status == "created"


@pytest.mark.docker
async def test_an_unknown_image_is_an_image_error(engine, make_spec):
    with pytest.raises(ImageError, match="no such image"):
        await engine.create(make_spec("", image_id=f"sha256:{'0' * 64}"))


@pytest.mark.parametrize(
    ("state", "oom_kills", "cause"),
    [
        (ContainerState("running"), 1, EndCause.RUNNING),
        (ContainerState("exited", 0), 0, EndCause.EXITED),
        (ContainerState("exited", 0), 1, EndCause.CHILD_OUT_OF_MEMORY),
        (ContainerState("exited", 0, oom_killed=True), 0, EndCause.CHILD_OUT_OF_MEMORY),
        (ContainerState("exited", 137), 0, EndCause.KILLED),
        (ContainerState("exited", 137), 2, EndCause.OUT_OF_MEMORY),
        (ContainerState("gone"), 2, EndCause.GONE),
    ],
)
def test_end_cause(state, oom_kills, cause):
    assert end_cause(state, oom_kills) == cause
