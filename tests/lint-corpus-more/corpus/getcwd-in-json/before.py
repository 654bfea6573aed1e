import json
import os

print("result:", len(json.dumps({"cwd": os.getcwd()})) > 2)
