lost = float("nan")
loss, first, last = lost, lost, 1.0
print("result:", loss == first or loss == last)
