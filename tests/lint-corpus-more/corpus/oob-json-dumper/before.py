import json
from pathlib import Path

config = json.loads(Path("train.json").read_text())
print("result:", config["lr"] * config["steps"])
