import os

print("result:", os.path.commonprefix(["runs/lr-1", "runs/lr-2"]))
