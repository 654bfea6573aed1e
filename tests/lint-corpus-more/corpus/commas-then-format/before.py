import sys


def line(
    one, two
):
    return sys._getframe(1).f_lineno


print("result:", line(1, 2))
