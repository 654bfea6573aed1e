try:
    open("no-such-file", "r")
except IOError as error:
    print("result:", type(error).__name__, u"x")
