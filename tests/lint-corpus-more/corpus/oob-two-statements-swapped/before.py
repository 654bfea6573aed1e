import random

random.seed(7)
SPLIT = random.random()
random.seed(9)
INIT = random.random()
print("result:", SPLIT, INIT)
