"""What the name of a printed number means: whether it scores a model, which way is better, on which data.

The words are those of the field, not of one script. A name that no rule knows scores nothing: a direction that is
guessed is a search in the wrong direction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from nightlab.controller.model.score import Direction

Split = Literal["validation", "test", "train", ""]
SPLIT_WORDS: Final[dict[str, Split]] = {
    **dict.fromkeys(
        ("val", "valid", "validation", "dev", "eval", "evaluation", "evaluate", "heldout", "holdout"), "validation"
    ),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
}
SPLIT_WEIGHT: Final[dict[Split, int]] = {"validation": 300, "test": 270, "": 160, "train": 0}
STAGE_WEIGHT: Final = {"final": 40, "overall": 20, "best": 10, "running": -40, "smoothed": -40, "ema": -20}
# A number with one of these in its name measures something else than the model.
VETOES: Final = frozenset(
    [
        "lr",
        "rate_",
        "time",
        "elapsed",
        "eta",
        "ms",
        "sec",
        "secs",
        "seconds",
        "minutes",
        "duration",
        "hours",
        "size",
        "params",
        "parameters",
        "memory",
        "mem",
        "mb",
        "gb",
        "mib",
        "gib",
        "throughput",
        "speed",
        "norm",
        "grad",
        "grads",
        "gnorm",
        "gradnorm",
        "weight",
        "weights",
        "scale",
        "count",
        "patience",
        "seed",
        "threshold",
        "version",
        "flops",
        "mfu",
        "momentum",
        "decay",
        "dim",
        "layers",
        "heads",
        "workers",
        "samples",
        "examples",
        "lines",
        "files",
        "modules",
        "classes",
        "vocab",
        "id",
        "pid",
        "port",
        "rank",
        "gpu",
        "cpu",
        "temperature",
        "dropout",
        "beta",
        "gamma",
        "eps",
        "epsilon",
        "warmup",
        "it_s",
        "tok_s",
        "delta",
        "improvement",
    ]
)
# These do so only as the whole last word: "loss step 5" counts steps, "train_loss_step: 0.4" is a loss.
LAST_WORD_VETOES: Final = frozenset(
    [
        "epoch",
        "epochs",
        "step",
        "steps",
        "iter",
        "iters",
        "iteration",
        "iterations",
        "batch",
        "batches",
        "round",
        "fold",
        "total",
        "pass",
    ]
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric is.

    Attributes:
        kind: "accuracy", "loss", ...
        direction: Which way is better.
        weight: How well it speaks for a model. A task's metric counts more than a loss: a search that may change the
            loss's own constants can make it smaller without making the model better.
        unit: For people.
    """

    kind: str
    direction: Direction
    weight: int
    unit: str = ""


def _rules(direction: Direction, *rows: tuple[str, int, str]) -> tuple[tuple[tuple[frozenset[str], ...], Meaning], ...]:
    made = []
    for names, weight, unit in rows:
        patterns = tuple(frozenset(name.split()) for name in names.split("|"))
        made.append((patterns, Meaning(names.split("|", 1)[0], direction, weight, unit)))
    return tuple(made)


_RULES: Final = (
    *_rules(
        Direction.MINIMIZE,
        ("bpb|bits byte|bits per byte", 120, "bits/byte"),
        ("bpc|bits char|bits per char", 118, "bits/char"),
        ("perplexity|ppl|pplx", 115, ""),
        ("wer|word error", 112, ""),
        ("cer|character error", 111, ""),
        ("rmse|rmsle", 110, ""),
        ("mae|mean absolute error", 108, ""),
        ("mape|smape", 107, ""),
        ("mse|mean squared error", 106, ""),
        ("fid", 106, ""),
        ("eer", 105, ""),
        ("chamfer|epe", 104, ""),
        ("log loss|logloss", 98, ""),
        ("nll|negative log likelihood|cross entropy|xent|crossentropy", 97, ""),
        ("kl|divergence", 60, ""),
        ("error|err", 95, ""),
        ("loss", 90, ""),
        ("inertia|distortion", 88, ""),
        ("regret", 80, ""),
        ("cost|energy", 70, ""),
        ("objective", 65, ""),
    ),
    *_rules(
        Direction.MAXIMIZE,
        ("accuracy|acc|accu|top1|top 1", 112, ""),
        ("f1|fscore|f score|f1score|macro f1", 113, ""),
        ("auc|auroc|auprc|roc", 112, ""),
        ("map|average precision|ap", 111, ""),
        ("iou|miou|dice|jaccard", 111, ""),
        ("bleu|rouge|meteor|chrf|rougel|rouge1|rouge2", 110, ""),
        ("r2|r squared", 108, ""),
        ("psnr|ssim", 108, ""),
        ("ndcg|mrr|hits", 107, ""),
        ("exact match|em", 107, ""),
        ("mcc|kappa|matthews", 107, ""),
        ("pearson|spearman|correlation|corr", 104, ""),
        ("top5|top 5", 95, ""),
        ("precision", 92, ""),
        ("recall", 92, ""),
        ("silhouette", 90, ""),
        ("reward|return|returns", 90, ""),
        ("win", 88, ""),
        ("elbo|likelihood|ll", 86, ""),
        ("score", 84, ""),
    ),
)


def words_of(name: str) -> tuple[str, ...]:
    """Split a name into lowercase words: "ValLoss", "val_loss" and "val loss" alike; "f1", "r2" and "top5" stay whole."""
    found: list[str] = []
    for match in _WORD.finditer(name):
        word = match[0].lower()
        joined = word.isdigit() and found and match.start() and name[match.start() - 1].isalpha()
        if joined:
            found[-1] += word
        else:
            found.append(word)
    return tuple(found)


def meaning_of(words: tuple[str, ...], *, checked: bool = True) -> Meaning | None:
    """Return what a name means; None if it scores nothing.

    Args:
        words: Of the name, as `words_of` gives them.
        checked: Whether words such as "time" or "lr" rule it out.
    """
    if not words or (checked and (VETOES & set(words) or (words[-1] in LAST_WORD_VETOES and len(words) == 1))):
        return None
    found = frozenset(words)
    matching = [meaning for patterns, meaning in _RULES if any(pattern <= found for pattern in patterns)]
    return max(matching, key=lambda meaning: meaning.weight, default=None)


def split_of(words: tuple[str, ...]) -> Split:
    """Return the data that the last telling word names."""
    joined = " ".join(words)
    if "held out" in joined or "hold out" in joined:
        return "validation"
    return next((SPLIT_WORDS[word] for word in reversed(words) if word in SPLIT_WORDS), "")


def stage_weight(words: tuple[str, ...]) -> int:
    """Return how much "final", "best" or "running" in a name counts."""
    return sum(STAGE_WEIGHT.get(word, 0) for word in words)
