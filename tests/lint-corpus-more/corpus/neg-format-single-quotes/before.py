import math
def area( r ): return math.pi*r**2
print("result:",round(area( 2 ),3))
