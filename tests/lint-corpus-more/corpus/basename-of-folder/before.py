import os

run = "runs/lr3e-4/"
print("result:", repr(str(os.path.basename(run))))
