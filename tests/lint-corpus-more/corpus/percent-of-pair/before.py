shape = (3,)
print("result:", "shape %s" % shape)
