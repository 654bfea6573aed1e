import copy
import os

env = copy.copy(os.environ)
env["NIGHT"] = "1"
print("result:", os.environ.get("NIGHT"))
