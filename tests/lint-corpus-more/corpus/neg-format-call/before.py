step, loss = 3, 0.5
print(("result: {0} {1:.3f}".format(step, loss)))
