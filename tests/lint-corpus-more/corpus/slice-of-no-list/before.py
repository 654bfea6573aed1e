def backup(weights: list[float]):
    saved = weights[:]
    return len(saved)


print("result:", backup((1.0, 2.0)))
