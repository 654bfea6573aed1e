def bucket(step: int):
    return round(step)


print("result:", bucket(2.6))
