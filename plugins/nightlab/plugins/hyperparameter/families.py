"""What a name means: the categories that are frozen and the families that are tuned, as sets of words.

A pattern matches when all of its words occur in a name; the first rule that matches decides. The words are those of
the field, not of one script: a new script is covered when it speaks like others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from nightlab.plugins.hyperparameter.names import word_set


@dataclass(frozen=True, slots=True)
class Rule:
    """A meaning and the names that have it.

    Attributes:
        meaning: A frozen category or a tunable family.
        patterns: Any of them matches.
        unless: None of these words may occur.
        reason: Why, for a person.
    """

    meaning: str
    patterns: tuple[frozenset[str], ...]
    unless: frozenset[str]
    reason: str

    def matches(self, name: frozenset[str]) -> bool:
        """Tell whether a name, as words, has this meaning."""
        return not name & self.unless and any(pattern <= name for pattern in self.patterns)


def _rule(meaning: str, patterns: str, reason: str, *, unless: str = "") -> Rule:
    parsed = tuple(word_set(pattern) for pattern in patterns.split("|"))
    return Rule(meaning, parsed, word_set(unless), reason)


SCHEDULE: Final = "warmup warm warmdown cooldown accum accumulation accumulate decay"
FROZEN: Final = (
    _rule("seed", "seed|seeds|random state|rng", "the random seed is varied by the noise floor, not by the search"),
    _rule(
        "evaluation",
        "eval|evals|evaluate|evaluation|val|valid|validation|test|metric|metrics|benchmark|loss|criterion|best|"
        "label smoothing|reduction|score|holdout|heldout|held out|target|threshold|tolerance|tol",
        "it decides how a trial is measured",
    ),
    _rule(
        "budget",
        "budget|time|hours|minutes|seconds|secs|deadline|timeout|duration|patience|updates|generations|epoch|epochs",
        "it decides how long a trial trains",
        unless=SCHEDULE,
    ),
    _rule(
        "infrastructure",
        "log|logs|logging|logger|print|report|save|saves|checkpoint|checkpoints|ckpt|wandb|tensorboard|project|verbose|"
        "debug|profile|resume|path|paths|file|files|filename|dir|directory|folder|root|url|uri|host|hostname|port|"
        "device|devices|dtype|precision|gpu|gpus|cuda|cpu|cpus|workers|worker|prefetch|pin|rank|world|backend|compile|"
        "version|interval|every|freq|frequency|threads|thread|tag|cache|entity|amp|amsgrad fused|fused|foreach|"
        "distributed|ddp|output dir|experiment|exp name|run name|title|figsize|fig|plot|display|retries|retry|sleep",
        "it decides where and how a trial runs or reports, not how it learns",
        unless="lora rope rotary",
    ),
    _rule(
        "budget",
        "step|steps|iter|iters|iteration|iterations|num batches|n batches|max batches",
        "it decides how long a trial trains",
        unless=SCHEDULE + " size gamma",
    ),
    _rule(
        "data",
        "data|dataset|datasets|split|splits|vocab|vocabulary|tokenizer|tokenize|bpe|tokens|token|corpus|shard|shards|"
        "samples|sample|classes|context|ctx|seq|sequence|block size|length|len|image|img|resolution|crop|in channels|"
        "out channels|num channels|n channels|input|output|in features|out features|n features|num features|features|"
        "in dim|out dim|fraction|mask|pad|padding|chunk|buffer|window|subset|train size|train frac|charset|encoding|"
        "examples|rows|columns|cols|folds|shuffle|num classes|n classes|labels|train ratio|train percent|classes|fold|"
        "lines|chars|points|mean|normalize mean",
        "it decides which data is read and in which shape, and so what a score means",
        unless="batch hidden dropout lr",
    ),
    _rule(
        "structure",
        "kv|kernel|stride|patch|group|groups|dilation|experts|topk|index|idx|axis|offset|start",
        "it must fit other shapes, so changing it alone breaks the model",
        unless="lr",
    ),
    _rule(
        "identity", "name|id|key|mode|type|version|kind", "it selects something by name", unless="optimizer activation"
    ),
)
TUNABLE: Final = (
    _rule(
        "factor", "lr ratio|lr frac|lr fraction|lr mult|lr multiplier|lr scale|lr factor", "scales the learning rate"
    ),
    _rule("decay", "weight decay|l2|l1|reg|regularization|ridge|lasso", "a weight penalty: searched by ratio"),
    _rule("horizon", "decay iters|decay steps|decay epochs|step size", "when the learning rate has come down"),
    _rule("warmup", "warmup|warm|warmdown|cooldown", "how much of the run ramps the learning rate"),
    _rule("lr", "lr|lrs|learning rate|eta", "a learning rate: searched by ratio"),
    _rule("beta", "beta|betas|beta1|beta2|b1|b2|momentum|ema|rho|polyak|gamma", "an averaging constant near one"),
    _rule("epsilon", "eps|epsilon", "a small constant: searched by ratio"),
    _rule("dropout", "dropout|drop|droppath|drop path|survival", "a probability of dropping units"),
    _rule("clip", "clip|clipping|max norm|grad norm|clip value", "a bound on gradients: searched by ratio"),
    _rule("accumulation", "accum|accumulation|accumulate", "batches per update"),
    _rule("batch", "batch size|batch|batchsize|minibatch", "examples per update", unless="batches norm"),
    _rule("head size", "head dim|head size|dim head", "the width of a head"),
    _rule("ratio", "ratio|mult|multiplier|expansion|aspect|widen", "a ratio of widths", unless="lr"),
    _rule("heads", "head|heads|nhead|nheads", "must divide the width"),
    _rule("layers", "layer|layers|depth|blocks|n block", "how deep the model is", unless="norm decay"),
    _rule(
        "width",
        "embd|embed|embedding|emb|dim|hidden|width|d model|ff|ffn|mlp|units|filters|channels|inner|intermediate|lora r|"
        "rank|neurons|latent",
        "how wide the model is",
    ),
    _rule("spread", "init|std|stddev|sigma|gain|init scale", "how widely weights are spread at the start"),
    _rule(
        "scale",
        "scale|temperature|temp|softcap|cap|alpha|coef|coeff|coefficient|lambda|lam|weight|penalty|strength|rate|theta|"
        "rope base|rotary base|power|tau|noise|slope|negative slope|mu|factor|delta",
        "a positive factor: searched by ratio",
    ),
    _rule("decay", "decay", "a rate of decay"),
)
FLAGS: Final = _rule(
    "flag",
    "bias|nesterov|amsgrad|tie|tied|tying|norm first|prenorm|pre norm|rotary|rope|qk|cosine|anneal|decay|residual|"
    "centered|swiglu|geglu|gated|batchnorm|layernorm|norm|affine|skip|use warmup|dropout|warmup",
    "switches a part of the model or the optimizer",
)
NAMED: Final = _rule(
    "named choice",
    "activation|act|nonlinearity|schedule|scheduler|sched|optimizer|optim|opt|init|initializer|norm|pooling|pool|solver|"
    "penalty|annealing|anneal|attention|attn|positional|pos",
    "the code compares it with a few names",
)


def frozen_rule(name: Sequence[str]) -> Rule | None:
    """The first rule that freezes a name, as words."""
    return _first(FROZEN, frozenset(name))


def tunable_rule(name: Sequence[str]) -> Rule | None:
    """The first rule that tells the family of a number's name."""
    return _first(TUNABLE, frozenset(name))


@lru_cache(maxsize=8192)
def _first(rules: tuple[Rule, ...], name: frozenset[str]) -> Rule | None:
    return next((rule for rule in rules if rule.matches(name)), None)
