def report():
    _rate = 0.5
    scaled = _rate * 2
    return sorted(locals())


print("result:", report())
