from itertools import count

ids = count()
line = "%(a)s" % {"a": next(ids), "b": next(ids)}
print("result:", line, next(ids))
