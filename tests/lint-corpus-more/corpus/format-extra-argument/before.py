from itertools import count

ids = count()
line = "{}".format(next(ids), next(ids))
print("result:", line, next(ids))
