"""Byte histograms of every stdlib module, folded to --dim buckets."""
import argparse
import pathlib
import sysconfig

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--dim", type=int, default=64)
parser.add_argument("--out", required=True)
options = parser.parse_args()

histograms = []
for path in sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    if len(data) > 1000:
        histograms.append(np.bincount(data % options.dim, minlength=options.dim) / len(data))
np.save(options.out, np.sqrt(np.array(histograms)))
print(f"{len(histograms)} modules -> {options.out}")
