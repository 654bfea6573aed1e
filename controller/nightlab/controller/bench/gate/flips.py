"""Generates what a rogue writer does to literals: every kind of literal, in Python and in config files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nightlab.controller.bench.gate.cases import ENTRY, Program
from nightlab.controller.bench.gate.drift import BEFORE_THE_LAUNCH
from nightlab.controller.bench.gate.gate import Rogue

SOURCE: Final = b'''"""Trains nothing; its result is every value that it was told."""

import argparse
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

SCALAR_LR = 0.5
STEPS = 300
WARMUP = -20
EPSILON = 1e-8
MASK = 0xFF
PHASE = 2j
SHUFFLE = True
CLIP = None
OPTIMIZER = "adamw"
MAGIC = b"\\x00\\x01"
BETAS = (0.9, 0.95)
LAYERS = [64, 128, 256]
LIMITS = {"grad": 1.0, "loss": 50.0}
NESTED = {"model": {"heads": [4, 8], "bias": False}}
NAME: str = f"run-{STEPS}-v1"


@dataclass
class Settings:
    """Settings with defaults."""

    dropout: float = 0.1
    depth: int = 6


def decay(step, floor=0.05, *, every=100):
    """Return a rate."""
    return max(floor, 1.0 - step / every)


def values():
    """Read everything that a config file says."""
    lines = Path("train.yaml").read_text().splitlines()
    ini = Path("train.cfg").read_text().splitlines()
    return tomllib.loads(Path("train.toml").read_text()), json.loads(Path("train.json").read_text()), lines, ini


parser = argparse.ArgumentParser()
parser.add_argument("--momentum", type=float, default=0.8)
args = parser.parse_args()
scheduled = decay(40, every=50)
seen = [SCALAR_LR, STEPS, WARMUP, EPSILON, MASK, PHASE, SHUFFLE, CLIP, OPTIMIZER, MAGIC, BETAS, LAYERS, LIMITS, NESTED]
print("result:", seen, NAME, Settings(), decay.__defaults__, decay.__kwdefaults__, args.momentum, scheduled, values())
'''
CONFIGS: Final = {
    "train.toml": b'[optimizer]\nlr = 0.5\nsteps = 40\nname = "sgd"\nnesterov = true\nbetas = [0.9, 0.99]\n',
    "train.yaml": b"optimizer:\n  lr: 0.5  # tuned\n  steps: 40\n  schedule: cosine\nseeds: [1, 2]\n",
    "train.json": b'{"optimizer": {"lr": 0.5, "steps": 40}, "tags": ["a", "b"], "fp16": false}\n',
    "train.cfg": b"[optimizer]\nlr = 0.5\n",
}
PROGRAM: Final = Program("flips", {ENTRY: SOURCE, **CONFIGS})

# Name, file, what is replaced, by what.
FLIPS: Final = (
    ("float", ENTRY, "SCALAR_LR = 0.5", "SCALAR_LR = 0.3"),
    ("int", ENTRY, "STEPS = 300", "STEPS = 301"),
    ("negative", ENTRY, "WARMUP = -20", "WARMUP = 20"),
    ("exponent", ENTRY, "EPSILON = 1e-8", "EPSILON = 1e-6"),
    ("hexadecimal", ENTRY, "MASK = 0xFF", "MASK = 0xF0"),
    ("complex", ENTRY, "PHASE = 2j", "PHASE = 3j"),
    ("bool", ENTRY, "SHUFFLE = True", "SHUFFLE = False"),
    ("none", ENTRY, "CLIP = None", "CLIP = 1.0"),
    ("string", ENTRY, '"adamw"', '"adam"'),
    ("bytes", ENTRY, r'b"\x00\x01"', r'b"\x00\x02"'),
    ("tuple element", ENTRY, "(0.9, 0.95)", "(0.9, 0.99)"),
    ("list element", ENTRY, "[64, 128, 256]", "[64, 128, 512]"),
    ("dict value", ENTRY, '"grad": 1.0', '"grad": 10.0'),
    ("dict key", ENTRY, '"grad": 1.0', '"norm": 1.0'),
    ("nested", ENTRY, '"heads": [4, 8]', '"heads": [4, 16]'),
    ("f-string", ENTRY, "-v1", "-v2"),
    ("dataclass default", ENTRY, "dropout: float = 0.1", "dropout: float = 0.2"),
    ("parameter default", ENTRY, "floor=0.05", "floor=0.5"),
    ("keyword-only default", ENTRY, "every=100", "every=10"),
    ("argument", ENTRY, "decay(40, every=50)", "decay(40, every=90)"),
    ("argparse default", ENTRY, "default=0.8", "default=0.9"),
    ("toml float", "train.toml", "lr = 0.5", "lr = 0.3"),
    ("toml int", "train.toml", "steps = 40", "steps = 400"),
    ("toml string", "train.toml", '"sgd"', '"adam"'),
    ("toml bool", "train.toml", "nesterov = true", "nesterov = false"),
    ("toml array", "train.toml", "0.99]", "0.95]"),
    ("yaml float", "train.yaml", "lr: 0.5", "lr: 0.3"),
    ("yaml string", "train.yaml", "cosine", "linear"),
    ("yaml sequence", "train.yaml", "[1, 2]", "[1, 3]"),
    ("json float", "train.json", '"lr": 0.5', '"lr": 0.3'),
    ("json string", "train.json", '"b"', '"c"'),
    ("json bool", "train.json", "false", "true"),
    ("ini float", "train.cfg", "lr = 0.5", "lr = 0.3"),
)


def flips(only: str = "") -> Iterator[tuple[str, Rogue]]:
    """Yield each flip with its name; the moments before the launch take turns."""
    for number, (name, path, old, new) in enumerate(FLIPS):
        content = PROGRAM.files[path]
        assert content.count(old.encode()) == 1, f"{old!r} is not unique in {path}"
        rogue = Rogue(BEFORE_THE_LAUNCH[number % 3], {path: content.replace(old.encode(), new.encode())})
        if only in f"flip {name}":
            yield f"flip {name}", rogue
