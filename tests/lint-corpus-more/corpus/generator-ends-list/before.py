stream = iter([1, 2, 3])
try:
    batch = list(next(stream) for _ in range(5))
except RuntimeError:
    batch = ["short"]
print("result:", batch)
