import math
def area(r) :
  x=math.pi*r ** 2 ;
  return( x )
print( "result:",round(area(2),3) )
