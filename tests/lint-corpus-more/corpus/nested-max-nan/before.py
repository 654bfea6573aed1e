nan = float("nan")
print("result:", max(1, max(nan, 2)))
