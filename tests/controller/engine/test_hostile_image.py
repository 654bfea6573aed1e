"""An image that tries everything an image can: it is overridden or refused before anything runs (B08)."""

import io
import json

import docker.errors
import pytest

from nightlab.controller.errors import ImageError, PostureError

pytestmark = pytest.mark.docker
MiB = 2**20

DOCKERFILE = """
FROM nightlab-test/engine-base
RUN cp /usr/bin/python3.11 /usr/local/bin/suid-python && chmod 4755 /usr/local/bin/suid-python
RUN mkdir -p /srv/hog /run/deep && echo image > /srv/hog/content
ENV LD_PRELOAD=/evil.so LD_AUDIT=/evil.so PYTHONPATH=/evil PYTHONHOME=/evil PYTHONSTARTUP=/evil.py \\
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=all HTTPS_PROXY=http://192.0.2.1:1 \\
    http_proxy=http://192.0.2.1:1 \\
    MALLOC_ARENA_MAX=1000 PATH=/evil GREETING=hello
VOLUME ["/srv/hog", "/var/run/deep", "/nowhere/yet/"]
HEALTHCHECK --interval=1s CMD touch /tmp/unhealthy
ONBUILD RUN touch /onbuild
STOPSIGNAL SIGCONT
LABEL nightlab.study=stolen
ENTRYPOINT ["/bin/false"]
CMD ["--evil"]
WORKDIR /srv
EXPOSE 22
USER root
"""

REPORT = """
import glob, json, os, subprocess, sys
def fill(path):
    try:
        with open(path, "wb", buffering=0) as file:
            for count in range(64):
                if file.write(bytes(1 << 20)) < 1 << 20: return count
    except OSError: return count
    return 64
child = subprocess.run(
    ["/usr/local/bin/suid-python", "-I", "-c", "import os; print(os.geteuid())"], capture_output=True, text=True
)
print(json.dumps({
    "environment": dict(os.environ), "suid_uid": child.stdout.strip(), "cwd": os.getcwd(),
    "volumes": [fill(path + "/hog") for path in ("/srv/hog", "/run/deep", "/nowhere/yet")],
    "unhealthy": glob.glob("/tmp/unhealthy"),
}))
"""


def _build(client, text: str, tag: str) -> str:
    image, _ = client.images.build(fileobj=io.BytesIO(text.encode()), tag=tag, rm=True, network_mode="none")
    return str(image.id)


@pytest.fixture
def build(engine, base_image, study_id):
    tags = []

    def make(text):
        tags.append(f"nightlab-test/{study_id}-{len(tags)}")
        return _build(engine.client, text, tags[-1])

    yield make
    for tag in tags:
        engine.client.images.remove(tag, force=True)


async def test_a_hostile_image_is_overridden(build, make_spec, run_spec, engine):
    ran = await run_spec(make_spec(REPORT, image_id=build(DOCKERFILE)))
    environment = ran.json["environment"]
    assert not environment.keys() & {"LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "HTTPS_PROXY", "http_proxy", "GREETING"}
    assert environment.get("LD_PRELOAD", "") == ""
    assert environment["MALLOC_ARENA_MAX"] == "1"
    assert environment["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert ran.json["suid_uid"] == "65532"
    assert ran.json["volumes"] == [16, 16, 16]
    assert ran.json["cwd"] == "/"
    assert ran.json["unhealthy"] == []
    config = ran.inspected["Config"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["NONE"]
    assert config["Labels"]["nightlab.study"] == ran.container.labels["study"] != "stolen"
    assert {mount["Type"] for mount in ran.inspected["Mounts"]} == {"volume", "bind"}
    assert {m["Destination"] for m in ran.inspected["Mounts"] if m["Type"] == "bind"} == {"/nightlab/link"}
    left = engine.client.api.volumes(filters={"label": f"nightlab.study={ran.container.labels['study']}"})
    assert not left["Volumes"]


async def test_a_label_that_looks_like_ours_is_refused(build, make_spec, engine):
    spec = make_spec("", image_id=build("FROM nightlab-test/engine-base\nLABEL nightlab.role=root nightlab.evil=1\n"))
    with pytest.raises(PostureError, match=r"nightlab\.evil"):
        await engine.create(spec)
    assert await engine.find(spec.name) is None
    with pytest.raises(docker.errors.NotFound):
        engine.client.api.inspect_container(spec.name)


@pytest.mark.parametrize("path", ["/proc/self", "/etc", "/nightlab/toolbox/lib", "/dev/fd"])
async def test_a_volume_where_nothing_may_be_mounted_is_refused(build, make_spec, engine, path):
    image_id = build(f"FROM nightlab-test/engine-base\nVOLUME {json.dumps([path])}\n")
    with pytest.raises(ImageError, match=path):
        await engine.create(make_spec("", image_id=image_id))
