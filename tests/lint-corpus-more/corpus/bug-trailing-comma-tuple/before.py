lr = 0.5,
steps = 3
print("result:", lr * steps)
