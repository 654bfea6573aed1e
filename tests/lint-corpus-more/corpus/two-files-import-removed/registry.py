known = set()
