#!/usr/bin/env python3
"""Trigram model of Python source. Writes results/metrics.json where it is run."""
import argparse
import json
import math
import random
import sysconfig
from pathlib import Path

from ngram import Interpolated, tokenize

ADD = 0.5
EM_ROUNDS = 8
HELD_OUT_FILES = 2
TEST_FILES = 2

parser = argparse.ArgumentParser()
parser.add_argument("--package", default="email")
parser.add_argument("--split-seed", type=int, default=5, help="which files are held out")
parser.add_argument("--results", type=Path, default=Path("results"))
args = parser.parse_args()

files = sorted((Path(sysconfig.get_paths()["stdlib"]) / args.package).glob("*.py"))
files = [f for f in files if f.stat().st_size > 2000]
random.Random(args.split_seed).shuffle(files)
texts = [tokenize(f.read_text(encoding="utf-8")) for f in files]
test, held_out, train = texts[:TEST_FILES], texts[TEST_FILES : TEST_FILES + HELD_OUT_FILES], texts[TEST_FILES + HELD_OUT_FILES :]

model = Interpolated(sum(train, []), add=ADD)
model.fit_weights(sum(held_out, []), EM_ROUNDS)

tokens = sum(test, [])
trigrams = list(zip(tokens, tokens[1:], tokens[2:]))
perplexity = math.exp(-sum(math.log(model.probability(*t)) for t in trigrams) / len(trigrams))

args.results.mkdir(exist_ok=True)
(args.results / "metrics.json").write_text(json.dumps({"perplexity": perplexity, "weights": model.weights}))
print("mixture weights:          ", *(f"{w:.3f}" for w in model.weights))
print(f"test perplexity per token:  {perplexity:.3f}")
