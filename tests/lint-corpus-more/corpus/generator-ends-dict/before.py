stream = iter("abc")
try:
    table = dict((next(stream), k) for k in range(4))
except RuntimeError:
    table = {}
print("result:", len(table))
