runs = [("a", 1), ("b", 1), ("c", 0)]
ranked = sorted(reversed(runs), key=lambda run: run[1])
print("result:", [name for name, _ in ranked])
