"""Make the feature cache: character counts of source lines and whether the following line is indented deeper."""
import pathlib
import sysconfig

import numpy as np

CACHE = pathlib.Path.home() / ".cache" / "blockstart"
PACKAGES = ["asyncio", "email", "http", "json", "logging", "unittest"]
PRINTABLE = 96


def examples():
    lib = pathlib.Path(sysconfig.get_paths()["stdlib"])
    for package in PACKAGES:
        for path in sorted((lib / package).glob("*.py")):
            lines = [l for l in path.read_text(encoding="utf-8").splitlines() if l.strip()]
            for line, following in zip(lines, lines[1:]):
                depth = len(line) - len(line.lstrip())
                yield line.strip(), len(following) - len(following.lstrip()) > depth


def counts(line):
    row = np.zeros(PRINTABLE, dtype=np.float32)
    for char in line:
        if 32 <= ord(char) < 32 + PRINTABLE:
            row[ord(char) - 32] += 1
    return row


if __name__ == "__main__":
    CACHE.mkdir(parents=True, exist_ok=True)
    lines, deeper = zip(*examples())
    np.savez_compressed(CACHE / "lines.npz", x=np.stack([counts(l) for l in lines]), y=np.array(deeper))
    print(f"{len(lines)} lines in {CACHE / 'lines.npz'}")
