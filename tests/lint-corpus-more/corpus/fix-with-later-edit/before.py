name = lambda: 0
