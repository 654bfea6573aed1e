"""Jelinek-Mercer: unigram, bigram and trigram estimates mixed by weights that EM fits on held-out text."""
from collections import Counter


class Interpolated:
    def __init__(self, tokens, add=0.5):
        self.add = add
        self.total = len(tokens)
        self.vocabulary = len(set(tokens)) + 1
        self.uni = Counter(tokens)
        self.bi = Counter(zip(tokens, tokens[1:]))
        self.tri = Counter(zip(tokens, tokens[1:], tokens[2:]))
        self.weights = [1 / 3] * 3

    def estimates(self, a, b, c):
        uni = (self.uni[c] + self.add) / (self.total + self.add * self.vocabulary)
        bi = self.bi[b, c] / self.uni[b] if self.uni[b] else 0.0
        tri = self.tri[a, b, c] / self.bi[a, b] if self.bi[a, b] else 0.0
        return uni, bi, tri

    def fit_weights(self, tokens, rounds):
        rows = [self.estimates(*trigram) for trigram in zip(tokens, tokens[1:], tokens[2:])]
        for _ in range(rounds):
            sums = [0.0, 0.0, 0.0]
            for row in rows:
                total = sum(w * p for w, p in zip(self.weights, row))
                for i, (w, p) in enumerate(zip(self.weights, row)):
                    sums[i] += w * p / total
            self.weights = [s / len(rows) for s in sums]

    def probability(self, a, b, c):
        return sum(w * p for w, p in zip(self.weights, self.estimates(a, b, c)))
