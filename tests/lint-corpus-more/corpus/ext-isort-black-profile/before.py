import zeta
import alpha

print("result:", alpha.seen)
