"""Where a run may write and who it runs as, decided from facts about an image."""

from __future__ import annotations

import pytest

from nightlab.controller.config.schema import Train
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.link.values import RepoMatch
from nightlab.controller.model.site import EDITOR_UID, HOME, WORKLOAD_UID
from nightlab.controller.study.places import (
    Person,
    home_of,
    inner,
    likely_roots,
    places_of,
    workdir_of,
    workload_user,
    workspace_of,
)

ROOT = Person(0, 0, "root", "/root")


def facts(workdir: str = "/app", env: dict[str, str] | None = None, volumes: tuple[str, ...] = ()) -> ImageFacts:
    return ImageFacts("sha256:" + "0" * 64, env or {}, (), (), "", workdir, volumes, (), "amd64")


def train(**settings: object) -> Train:
    return Train.model_validate({"command": "x", **settings})


def test_the_workload_is_never_root_nor_the_editor() -> None:
    assert workload_user(train(), ROOT).uid == WORKLOAD_UID
    assert workload_user(train(), Person(EDITOR_UID, 1, "x", "/x")).uid == WORKLOAD_UID
    assert workload_user(train(), Person(1000, 1000, "gpt", "/home/gpt")) == Person(1000, 1000, "gpt", "/home/gpt")
    assert workload_user(train(user="1234:99"), ROOT) == Person(1234, 99, "root", "/root")


@pytest.mark.parametrize(
    ("env", "home", "expected"),
    [
        ({}, "/root", "/root"),
        ({"HOME": "/cache/home/"}, "/root", "/cache/home"),
        ({}, "", HOME),
        ({}, "/", HOME),
        ({}, "/nonexistent", HOME),
        ({"HOME": "relative"}, "/x", HOME),
    ],
)
def test_home_is_the_images_where_it_has_one(env: dict[str, str], home: str, expected: str) -> None:
    assert home_of(facts(env=env), Person(1, 1, "u", home)) == expected


def test_the_workspace_is_never_the_root_directory() -> None:
    assert workspace_of("", ["/opt/project"], facts("/app")) == "/opt/project"
    assert workspace_of("/mine", ["/opt/project"], facts("/app")) == "/mine"
    assert workspace_of("", [], facts("/app/")) == "/app"
    assert workspace_of("", ["/"], facts("/")) == "/workspace"


def test_the_training_command_starts_where_the_image_would() -> None:
    assert workdir_of(train(), facts("/work"), "/opt/project") == "/work"
    assert workdir_of(train(), facts("/"), "/opt/project") == "/opt/project"
    assert workdir_of(train(workdir="src"), facts("/work"), "/opt/project") == "/opt/project/src"
    assert workdir_of(train(workdir="/x"), facts("/work"), "/opt/project") == "/x"


def test_home_workdir_and_volumes_become_places_unless_they_lie_in_one() -> None:
    found = places_of(train(), facts(volumes=("/data", "/app/x")), workspace="/app", workdir="/work", home="/root")
    assert [(p.path, p.kind) for p in found] == [
        ("/app", "workspace"),
        ("/root", "home"),
        ("/work", "workdir"),
        ("/data", "volume"),
    ]
    assert len({p.seed for p in found}) == len(found)


def test_a_workspace_inside_the_home_is_left_out_of_the_homes_seed() -> None:
    found = places_of(train(), facts("/root/app"), workspace="/root/app", workdir="/root/app", home="/root")
    assert [p.path for p in found] == ["/root/app", "/root"]
    assert inner(found[1], found) == ("app",)
    assert inner(found[0], found) == ()


@pytest.mark.parametrize(
    ("matches", "expected"),
    [
        ([("/app", 12)], ("/app",)),
        ([("/opt/requirements", 1)], ()),
        ([("/app", 1)], ("/app",)),
        ([("/tmp/build", 12), ("/srv/x", 9)], ("/srv/x",)),
        ([("/usr/lib/python3/dist-packages", 12), ("/srv/x", 5)], ("/srv/x",)),
        ([("/", 12)], ("/",)),
    ],
)
def test_one_file_by_chance_and_an_installed_copy_are_not_the_repo(
    matches: list[tuple[str, int]], expected: tuple[str, ...]
) -> None:
    assert likely_roots([RepoMatch(root, same, 0) for root, same in matches], 12, facts("/app")) == expected
