relu = lambda x: max(x, 0)
print("result:", relu.__name__, relu(-1))
