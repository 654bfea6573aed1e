def usage():
    """Usage:\ttrain [options]"""


print("result:", len(usage.__doc__))
