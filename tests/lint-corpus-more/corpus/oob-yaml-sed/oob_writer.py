from pathlib import Path

file = Path("train.yaml")
file.write_text(file.read_text().replace("lr: 3e-4", "lr: 3e-3"))
