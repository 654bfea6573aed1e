from typing import Literal, get_args


def pick(mode: Literal[None, "fast"]):
    return mode


print("result:", get_args(pick.__annotations__["mode"]))
