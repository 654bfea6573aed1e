"""A place to walk trials in without an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.controller.link.conftest import Link, base, link, new_uid
from tests.controller.trial.bare import BareGround

from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir

__all__ = ["base", "ground", "link", "new_uid"]


@pytest.fixture
async def ground(link: Link, new_uid: Callable[[], int], tmp_path: Path) -> AsyncIterator[BareGround]:
    """Walks of one supervisor; contents come from a real store."""
    state = StateDir.of_repo(tmp_path)
    state.create()
    blobs = BlobStore(state.blobs)
    link.blobs = blobs  # type: ignore[assignment]
    async with Explainer() as explainer:
        yield BareGround(link, state, blobs, explainer, new_uid)
