"""An image that a newer build took the tag from is removed by its id."""

from typing import Any

import pytest

from nightlab.controller.engine.cleanup import image_names


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ({"Id": "sha256:a", "RepoTags": ["nightlab-study/1:latest", "mine:1"]}, ("nightlab-study/1:latest", "mine:1")),
        ({"Id": "sha256:a", "RepoTags": ["<none>:<none>"]}, ("sha256:a",)),
        ({"Id": "sha256:a", "RepoTags": None}, ("sha256:a",)),
        ({"Id": "sha256:a", "RepoTags": []}, ("sha256:a",)),
    ],
)
def test_an_image_is_named_by_what_removes_it(row: dict[str, Any], names: tuple[str, ...]) -> None:
    assert image_names(row) == names
