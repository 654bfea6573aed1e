from hooks import *

print("result:", rate, "steps" in globals())
