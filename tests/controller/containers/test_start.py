"""What a container is given so that its supervisor can reach the host."""

from __future__ import annotations

import os

import pytest

from nightlab.controller.containers.start import link_group
from nightlab.controller.engine.facts import EngineFacts, read_facts


def _facts(*security: str) -> EngineFacts:
    return read_facts("/run/engine.sock", {}, {"SecurityOptions": [f"name={option}" for option in security]})


@pytest.mark.parametrize(
    ("uid", "security", "group"),
    [(0, ("seccomp",), None), (1000, ("seccomp",), 1234), (1000, ("seccomp", "rootless"), None)],
    ids=["root", "a member of the engine's group", "rootless engine"],
)
def test_supervisor_gets_the_hosts_group_only_where_it_does_not_own_the_socket(monkeypatch, uid, security, group):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(os, "getegid", lambda: 1234)
    assert link_group(_facts(*security)) == group
