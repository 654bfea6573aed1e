import sys

sys.path.insert(0, "lib")
import inner.mod
import inner.state

inner.state.rate = 0.1
print("result:", inner.mod.read())
