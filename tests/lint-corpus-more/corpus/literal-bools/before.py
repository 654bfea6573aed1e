from typing import Literal, get_args

Flag = Literal[True, False]


def pick(flag: Literal[True, False]):
    return flag


print("result:", get_args(pick.__annotations__["flag"]))
