"""Averaged multiclass perceptron over hashed tokens."""

import argparse
import json
import random
import re
import zlib
from collections import defaultdict
from pathlib import Path

TOKEN = re.compile(r"\w+|[^\w\s]")
DATA = Path(__file__).resolve().parent.parent / "data"


def read(name, bits):
    mask = (1 << bits) - 1
    with open(DATA / name, encoding="utf-8") as rows:
        for row in rows:
            label, line = row.rstrip("\n").split("\t", 1)
            yield label, [zlib.crc32(token.encode()) & mask for token in TOKEN.findall(line)]


class Perceptron:
    def __init__(self, labels):
        self.weights = {label: defaultdict(float) for label in labels}
        self.totals = {label: defaultdict(float) for label in labels}
        self.clock = 1

    def predict(self, tokens):
        return max(self.weights, key=lambda label: sum(self.weights[label].get(t, 0.0) for t in tokens))

    def update(self, label, tokens, rate):
        guess = self.predict(tokens)
        if guess != label:
            for token in tokens:
                for name, sign in ((label, rate), (guess, -rate)):
                    self.weights[name][token] += sign
                    self.totals[name][token] += sign * self.clock
        self.clock += 1

    def average(self):
        for label, weights in self.weights.items():
            for token in weights:
                weights[token] -= self.totals[label][token] / self.clock


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="config.json")
    with open(parser.parse_args().config) as file:
        config = json.load(file)
    train = list(read("train.tsv", config["hash_bits"]))
    test = list(read("test.tsv", config["hash_bits"]))
    random.seed(config["seed"])
    model = Perceptron(sorted({label for label, _ in train}))
    for epoch in range(config["epochs"]):
        random.shuffle(train)
        for label, tokens in train:
            model.update(label, tokens, config["learning_rate"])
        print(f"epoch={epoch}")
    if config["average"]:
        model.average()
    hits = sum(model.predict(tokens) == label for label, tokens in test)
    print(f"test_accuracy={hits / len(test):.4f}")


if __name__ == "__main__":
    main()
