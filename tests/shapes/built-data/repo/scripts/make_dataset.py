"""Write data/{train,test}.tsv: lines of source, labelled with the package that they come from."""

import sys
import sysconfig
from pathlib import Path

LABELS = ("asyncio", "email", "multiprocessing", "xml")
PER_LABEL = 1500


def lines_of(package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        found += [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if len(line.strip()) > 15]
    return found


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    with open(out / "train.tsv", "w", encoding="utf-8") as train, open(out / "test.tsv", "w", encoding="utf-8") as test:
        for label in LABELS:
            for number, line in enumerate(lines_of(stdlib / label)[:PER_LABEL]):
                print(label, line.replace("\t", " "), sep="\t", file=test if number % 5 == 0 else train)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
