rate = 1
steps = 2
