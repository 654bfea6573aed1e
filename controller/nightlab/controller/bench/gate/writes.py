"""Generates other things that a rogue writer does: it swaps, truncates, removes, plants, restores, or writes late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nightlab.controller.bench.gate.cases import ENTRY, Program
from nightlab.controller.bench.gate.drift import BEFORE_THE_LAUNCH
from nightlab.controller.bench.gate.flips import CONFIGS
from nightlab.controller.bench.gate.gate import Moment, Rogue

# Tells when it is up and when it sees another config, so that a writer can meet it; gives up after ten seconds.
SOURCE: Final = b'''"""Trains on what its files say, and says whether they change while it runs."""

import sys
import time
from pathlib import Path

import alpha
import beta

FILES = ["train.toml", "train.yaml", "train.json", "train.cfg"]


def read():
    """Return everything that it is told."""
    return [Path(name).read_text() for name in FILES]


def wait(wanted, limit):
    """Wait until its files are, or are not, as they were."""
    while (read() == first) != wanted and time.monotonic() < limit:
        time.sleep(0.01)


first = read()
if Path("watch").exists():
    limit = time.monotonic() + 10
    print("up", flush=True)
    wait(False, limit)
    print("seen", flush=True)
    if Path("watch").read_text() == "restored":
        wait(True, limit)
print("result:", alpha.RATE, beta.RATE, alpha.__file__, read(), "sitecustomize" in sys.modules)
'''
FILES: Final = {
    ENTRY: SOURCE,
    "alpha.py": b"RATE = 0.1\nWIDTH = 64\n",
    "beta.py": b"import json\n\nRATE = json.loads('0.9')\nWIDTH = 16\n",
    **CONFIGS,
}
PROGRAM: Final = Program("writes", FILES)
FLIPPED: Final = {"train.toml": FILES["train.toml"].replace(b"0.5", b"0.3")}
TAKEN: Final = (ENTRY, "alpha.py", "train.toml", "train.yaml", "train.json")
PLANTED: Final = {
    "json.py": b"def loads(text):\n    return 0.3\n",
    "sitecustomize.py": b"import builtins\nbuiltins.RATE = 0.3\n",
    "alpha/__init__.py": b"RATE = 0.3\n",
}


def writes(only: str = "") -> Iterator[tuple[str, Program, Rogue]]:
    """Yield each write with its name and the program that it is done to."""
    for number, (name, files) in enumerate(_changes()):
        yield from _named(only, name, PROGRAM, Rogue(BEFORE_THE_LAUNCH[number % 3], files))
    for path in (ENTRY, "alpha.py"):
        broken = {path: FILES[path][: len(FILES[path]) // 2] + b"\n("}
        yield from _named(only, f"unreadable {path}", PROGRAM, Rogue(Moment.SEALED, broken))
    for path, content in PLANTED.items():
        yield from _named(only, f"planted {path}", PROGRAM, Rogue(Moment.SEALED, {path: content}))
    for moment in (Moment.DRAFT, Moment.SEALED):
        yield from _named(only, f"restored {moment.name.lower()}", PROGRAM, Rogue(moment, FLIPPED, restores=True))
    yield from _named(only, "late", _watching("changed"), Rogue(Moment.RUN, FLIPPED))
    yield from _named(only, "late restored", _watching("restored"), Rogue(Moment.RUN, FLIPPED, restores=True))


def _named(only: str, name: str, program: Program, rogue: Rogue) -> Iterator[tuple[str, Program, Rogue]]:
    if only in f"write {name}":
        yield f"write {name}", program, rogue


def _watching(until: str) -> Program:
    return PROGRAM.with_files({"watch": until.encode()})


def _changes() -> Iterator[tuple[str, dict[str, bytes | None]]]:
    yield "swapped files", {"alpha.py": FILES["beta.py"], "beta.py": FILES["alpha.py"]}
    yield "swapped values", {"alpha.py": b"RATE = 64\nWIDTH = 0.1\n"}
    yield "swapped configs", {"train.toml": FILES["train.cfg"], "train.cfg": FILES["train.toml"]}
    for path in TAKEN:
        yield f"half {path}", {path: FILES[path][: len(FILES[path]) // 2]}
        yield f"emptied {path}", {path: b""}
        yield f"short {path}", {path: FILES[path][:-1]}
    yield "removed config", {"train.yaml": None}
    yield "removed module", {"beta.py": None}
