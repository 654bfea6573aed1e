print("step %d" % 1) if False else None
step, loss = 3, 0.5
print("step %d of %d" % (step, loss, 7))
print("result:", loss)
