from typing import Generator


def steps() -> Generator[int, None, None]:
    yield 1


print("result:", list(steps()))
