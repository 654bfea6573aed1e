"""The base images are there, and share with the host what builds need."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from nightlab.controller.images import BASE_TAG, PYTHON_TAG, ensure_base, ensure_named_bases, ensure_python_base
from nightlab.controller.images.host_settings import apt_options, apt_sources, image_files

APT_CONFIG = """
Acquire::http::Proxy "http://proxy.example:3142";
Acquire::https::Proxy "http://me:secret@proxy.example:3142";
Acquire::http::Proxy::mirror.example "http://127.0.0.1:3142";
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "";
APT::Architecture "amd64";
"""
TARGETS = """\
Debian|http://mirror.example/debian/|bookworm|bookworm|main
Debian|http://mirror.example/debian/|bookworm|bookworm|contrib
Debian|http://mirror.example/debian-security/|bookworm-security|bookworm-security|main
Debian|http://mirror.example/debian/|trixie|trixie|main
Debian|https://me:secret@mirror.example/debian/|bookworm-updates|bookworm-updates|main
Debian|file:/srv/debian/|bookworm|bookworm|main
Node Source|https://node.example/|nodistro|nodistro|main
"""


@pytest.fixture
def host_apt(tmp_path, monkeypatch) -> None:
    """Put an apt on PATH that has a site's own settings."""
    for name, output in (("apt-config", APT_CONFIG), ("apt-get", TARGETS)):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{output.strip()}\nEND\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_apt_settings_that_reach_a_mirror_are_carried_and_passwords_are_not(host_apt):
    assert apt_options() == [
        'Acquire::http::Proxy "http://proxy.example:3142";',
        'Acquire::Check-Valid-Until "false";',
    ]
    assert apt_sources("bookworm") == [
        "deb http://mirror.example/debian bookworm contrib main",
        "deb http://mirror.example/debian-security bookworm-security main",
    ]
    assert not any(b"secret" in content for content in image_files("bookworm").values())


def test_a_host_of_another_distribution_carries_no_sources(host_apt):
    assert apt_sources("sid") == []
    assert "etc/apt/sources.list" not in image_files("sid")


def test_a_host_without_apt_carries_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert apt_options() == []
    assert not any("apt" in name for name in image_files("bookworm"))


@pytest.mark.docker
def test_an_image_that_has_the_tag_is_used_as_it_is(client, base):
    before = client.images.get(BASE_TAG).id
    lines: list[str] = []
    assert ensure_base(client, progress=lines.append) == BASE_TAG
    assert client.images.get(BASE_TAG).id == before
    assert lines == []


@pytest.mark.docker
def test_the_python_base_has_what_a_dockerfile_expects(client: docker.DockerClient):
    tag = ensure_python_base(client)
    script = (
        "python --version; command -v pip; python -c 'import ensurepip, venv; print(6 * 7)';"
        "pip install --no-index --find-links / nothing-of-this-name 2>&1 | grep -c externally-managed;"
        "find /var/cache/apt /var/lib/apt/lists -type f -size +1k | wc -l"
    )
    output = client.containers.run(tag, ["sh", "-c", script], network_mode="none", remove=True).decode().split("\n")
    assert output[0].startswith("Python 3.11.")
    assert output[1:5] == ["/usr/bin/pip", "42", "0", "0"]


@pytest.mark.docker
def test_the_hosts_certificates_are_in_it(client, base):
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if not bundle.exists():
        pytest.skip("this host has no Debian-style certificate bundle")
    inside = client.containers.run(base, ["cat", str(bundle)], network_mode="none", remove=True)
    assert inside.count(b"BEGIN CERTIFICATE") > 0


@pytest.mark.docker
def test_bases_that_a_dockerfile_names_are_made_sure_of(client, tmp_path, monkeypatch):
    made: list[str] = []
    monkeypatch.setattr("nightlab.controller.images.base.ensure_base", lambda *_, **__: made.append("base"))
    monkeypatch.setattr("nightlab.controller.images.base.ensure_python_base", lambda *_, **__: made.append("python"))
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"ARG BASE={PYTHON_TAG}\nFROM ${{BASE}}\n")
    ensure_named_bases(client, dockerfile, {})
    dockerfile.write_text(f"ARG BASE\nFROM ${{BASE}}\nRUN echo {PYTHON_TAG}-slim corp/{PYTHON_TAG}\n")
    ensure_named_bases(client, dockerfile, {"BASE": BASE_TAG})
    assert made == ["python", "base"]
