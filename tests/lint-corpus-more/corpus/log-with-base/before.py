import math

steps = 1000
print("result:", int(math.log(steps, 10)))
