def load(path):
    try:
        return open(path).read()
    except OSError:
        return ""
    except OSError:
        raise


print("result:", load("no-such"))
