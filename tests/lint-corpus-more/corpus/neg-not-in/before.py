names = ["adam"]
best = None
print("result:", not "sgd" in names, not best is None, 1 == len(names))
