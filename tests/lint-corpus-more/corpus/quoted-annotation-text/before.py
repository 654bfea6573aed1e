from __future__ import annotations


def step(batch: "list[int]"):
    return batch


print("result:", step.__annotations__)
