rate = 1
log = []
