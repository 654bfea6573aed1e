class Pair(tuple):
    def __format__(self, spec):
        return "formatted"

    def __str__(self):
        return "shown"


pair = Pair((1,))
print("result:", "%s %s" % (pair, 1))
