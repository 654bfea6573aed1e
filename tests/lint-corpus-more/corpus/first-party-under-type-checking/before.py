from __future__ import annotations

from typing import get_type_hints

from shapes import Batch


def step(batch: Batch) -> int:
    return len(batch)


print("result:", get_type_hints(step)["batch"].__name__, step([1, 2]))
