from collections import deque


def train(lr=1):
    return lr


print("")
print("result:", list(range(0, 3)), train(**{"lr": 2}), deque([]))
