losses = [3, 1, 2]
losses = losses.sort()
print("result:", losses[0])
