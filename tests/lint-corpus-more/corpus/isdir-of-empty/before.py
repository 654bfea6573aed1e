import os

out = os.environ.get("NO_SUCH_OUT", "")
print("result:", "resume" if os.path.isdir(out) else "fresh")
