from pathlib import Path

rows = dict(line.split(": ") for line in Path("train.yaml").read_text().splitlines())
print("result:", float(rows["lr"]))
