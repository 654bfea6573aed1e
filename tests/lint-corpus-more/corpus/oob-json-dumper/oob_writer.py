import json
import sys

with open("train.json") as file:
    config = json.load(file)
config["lr"] = 0.3
with open("train.json", "w") as file:
    json.dump(config, file, sort_keys=True)
