stream = iter([1, 2])


def scaled(a, b):
    return a * b * next(stream)


try:
    rows = list(scaled(a, b) for a, b in [(1, 1), (2, 2), (3, 3)])
except RuntimeError:
    rows = "short"
print("result:", rows)
