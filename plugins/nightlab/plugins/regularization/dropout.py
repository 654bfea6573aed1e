"""Sets the rate of the dropout that a model already has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Annotated, Final

from nightlab.plugins.hyperparameter.calls import settings_of
from nightlab.plugins.hyperparameter.names import words
from nightlab.plugins.hyperparameter.source import callee
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.script import Script
from nightlab.plugins.training.settings import named_values, number, shown
from nightlab.plugins.training.workspace import READS, WRITES, Scripts, scripts
from nightlab.sdk import Edits, Effect, Float, Unmet, action

_NAMES: Final = frozenset(
    {("dropout",), ("p", "dropout"), ("dropout", "p"), ("dropout", "rate"), ("dropout", "prob"), ("drop", "rate")}
    | {("drop", "prob"), ("p", "drop"), ("pdrop",), ("attn", "dropout"), ("resid", "dropout"), ("embd", "dropout")}
    | {("attn", "pdrop"), ("resid", "pdrop"), ("embd", "pdrop"), ("attention", "dropout"), ("hidden", "dropout")}
    | {("emb", "dropout"), ("embedding", "dropout"), ("residual", "dropout"), ("ffn", "dropout"), ("mlp", "dropout")}
)
_LAYERS: Final = frozenset({"Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"})
_FUNCTIONS: Final = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"})
_TAKES: Final = frozenset(
    {"MultiheadAttention", "Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer", "LSTM", "GRU", "RNN"}
    | {"scaled_dot_product_attention"}
)


def check(ws: Edits) -> None:
    """Refuse what is not understood."""
    _understood(scripts(ws))


@action(reads=READS, writes=WRITES, check=check, effects=(Effect("generalization_gap", "down"),))
def dropout(
    ws: Edits, p: Annotated[float, Float(0.0, 0.5, description="Fraction of activations that are dropped.")] = 0.1
) -> str:
    """Set the rate of the dropout that the model already has.

    Changes literal rates: of nn.Dropout and F.dropout, of dropout= arguments, and the defaults of constants, options
    and fields that are named for dropout. All get the same rate. Layers are not added.
    """
    found = _understood(scripts(ws))
    changed = [(script, node) for script, node in found if number(node) != p]
    for script in dict.fromkeys(script for script, _ in changed):
        patch = Patch(script)
        for node in (node for owner, node in changed if owner is script):
            patch.replace(node, shown(p))
        patch.save(ws)
    places = ", ".join(script.where(node) for script, node in found[:4])
    return f"dropout {p:g} at {places}" + (f" and {len(found) - 4} more" if len(found) > 4 else "")


def _understood(found: Scripts) -> list[tuple[Script, ast.expr]]:
    if not any(_drops(script, call) for script in found for call in script.calls):
        raise Unmet("the model has no dropout layer or argument whose rate could be set")
    places = [(script, node) for script in found for node in _rates(script)]
    if not places:
        raise Unmet("no rate of dropout is a literal, a constant or the default of an option or field")
    return places


def _drops(script: Script, call: ast.Call) -> bool:
    name = script.qualified(call.func)
    last = name.split(".")[-1]
    if not name.startswith("torch.nn."):
        return False
    named = any(keyword.arg in ("dropout", "dropout_p") for keyword in call.keywords)
    return last in _LAYERS or last in _FUNCTIONS or (last in _TAKES and named)


def _rates(script: Script) -> Iterator[ast.expr]:
    """Literals from 0 up to 1 that are rates, each once, in the order of the file."""
    named = [value for name, value in named_values(script) if words(name) in _NAMES]
    given = [value for call in script.calls for value in _given(script, call)]
    literal = {node for node in (*named, *given) if (value := number(node)) is not None and 0 <= value < 1}
    return iter(sorted(literal, key=lambda node: (node.lineno, node.col_offset)))


def _given(script: Script, call: ast.Call) -> Iterator[ast.expr]:
    if callee(call) == "scaled_dot_product_attention":
        return  # its rate holds in evaluation too, so a literal there is no switch to turn
    is_layer = _drops(script, call) and callee(call) in _LAYERS | _FUNCTIONS
    for name, value in settings_of(call):
        if words(name) in _NAMES or (is_layer and name == "p"):
            yield value
