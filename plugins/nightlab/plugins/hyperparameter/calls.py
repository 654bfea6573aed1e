"""Finds literals inside calls: option defaults, environment defaults, keywords of constructors, seeds.

A constructor is a name with a capital letter, or one of the functions that training code passes settings to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from nightlab.plugins.hyperparameter.found import Found, strings
from nightlab.plugins.hyperparameter.literals import Kind
from nightlab.plugins.hyperparameter.names import word_set
from nightlab.plugins.hyperparameter.source import callee, constant, dotted

OPTION_CALLS: Final = frozenset({"add_argument", "option", "add_option", "DEFINE_float", "DEFINE_integer"})
DEFAULT_CALLS: Final = frozenset({"field", "Field", "Option", "Argument", "ib", "attrib", "Factory", "Setting"})
ENVIRONMENT_CALLS: Final = frozenset({"os.environ.get", "environ.get", "os.getenv", "getenv"})
SEED_CALLS: Final = word_set(
    "manual_seed manual_seed_all seed seed_everything set_seed default_rng PRNGKey RandomState set_random_seed"
)
SETTING_FUNCTIONS: Final = word_set(
    "dropout dropout_ alpha_dropout clip_grad_norm_ clip_grad_norm clip_grad_value_ normal_ trunc_normal_ uniform_ "
    "xavier_uniform_ xavier_normal_ kaiming_uniform_ adam adamw sgd rmsprop adagrad lion adafactor lamb "
    "cosine_decay_schedule warmup_cosine_decay_schedule exponential_decay linear_schedule clip_by_global_norm "
    "add_decayed_weights layer_norm rms_norm leaky_relu"
)
# Names of the first positional parameters, "" for one that is no setting (parameters, tensors, modules).
_OPTIMIZER: Final = ("", "lr")
POSITIONAL: Final = {
    "Dropout": ("dropout",),
    "Dropout1d": ("dropout",),
    "Dropout2d": ("dropout",),
    "Dropout3d": ("dropout",),
    "AlphaDropout": ("dropout",),
    "DropPath": ("drop_path",),
    "dropout": ("", "dropout"),
    "clip_grad_norm_": ("", "max_norm"),
    "clip_grad_norm": ("", "max_norm"),
    "clip_grad_value_": ("", "clip_value"),
    "clip_by_global_norm": ("max_norm",),
    "normal_": ("", "", "std"),
    "trunc_normal_": ("", "", "std"),
    "LeakyReLU": ("negative_slope",),
    "ExponentialLR": ("", "gamma"),
    "StepLR": ("", "step_size", "gamma"),
    "add_decayed_weights": ("weight_decay",),
    "adam": ("lr",),
    "adamw": ("lr",),
    "sgd": ("lr", "momentum"),
    "SGD": ("", "lr", "momentum"),
    "Adam": _OPTIMIZER,
    "AdamW": _OPTIMIZER,
    "RMSprop": _OPTIMIZER,
    "Adagrad": _OPTIMIZER,
    "NAdam": _OPTIMIZER,
    "RAdam": _OPTIMIZER,
    "Adamax": _OPTIMIZER,
}
_TYPES: Final[dict[str, Kind]] = {"float": "number", "int": "integer", "str": "string", "bool": "boolean"}


def literals_in_call(node: ast.Call) -> Iterator[Found]:
    """List what a call holds; nested calls are visited on their own."""
    name = callee(node)
    if name in OPTION_CALLS:
        yield from _option(node)
    elif dotted(node.func) in ENVIRONMENT_CALLS:
        yield from _environment(node)
    elif name in SEED_CALLS and node.args:
        yield Found(f"{name}(seed)", "seed", node.args[0], "keyword", "integer", callee=name)
    elif takes_settings(name) and name not in DEFAULT_CALLS:
        yield from _keywords(node, name)


def takes_settings(name: str) -> bool:
    """Tell whether a called name is a constructor, or a function that training code configures."""
    return name[:1].isupper() or name in SETTING_FUNCTIONS


def settings_of(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Pair the settings that a call passes with their parameters' names."""
    for parameter, argument in zip(POSITIONAL.get(callee(node), ()), node.args, strict=False):
        if parameter and not isinstance(argument, ast.Starred):
            yield parameter, argument
    yield from ((each.arg, each.value) for each in node.keywords if each.arg)


def default_of(node: ast.Call) -> ast.expr | None:
    """The default inside field(default=...), Field(...), typer.Option(...); None for another call."""
    if callee(node) not in DEFAULT_CALLS:
        return None
    named = next((each.value for each in node.keywords if each.arg == "default"), None)
    return named or (node.args[0] if node.args else None)


def option_name(node: ast.Call) -> str:
    """The name of a command-line option: its first long spelling, else the first."""
    names = strings(ast.Tuple(elts=list(node.args)))
    return next((name.split("/")[0] for name in names if name.startswith("--")), names[0] if names else "")


def _option(node: ast.Call) -> Iterator[Found]:
    name = option_name(node)
    given = {each.arg: each.value for each in node.keywords if each.arg}
    default = given.get("default")
    if not name or default is None:
        return
    kind = _TYPES.get(dotted(given.get("type")))
    choices = strings(given.get("choices")) or _click_choices(given.get("type"))
    elements = default.elts if isinstance(default, ast.Tuple | ast.List) else None
    word = name.lstrip("-")
    for index, element in enumerate([default] if elements is None else elements[:8]):
        suffix = "" if elements is None else f"[{index}]"
        yield Found(name + suffix, word, element, "argument", kind, choices=choices, scoped=False)


def _click_choices(node: ast.expr | None) -> tuple[str, ...]:
    return strings(node.args[0]) if isinstance(node, ast.Call) and callee(node) == "Choice" and node.args else ()


def _environment(node: ast.Call) -> Iterator[Found]:
    variable = constant(node.args[0]) if node.args else None
    default = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "default"), None)
    if isinstance(variable, str) and default is not None:
        yield Found(f"${variable}", variable, default, "variable", scoped=False)


def _keywords(node: ast.Call, name: str) -> Iterator[Found]:
    for parameter, argument in settings_of(node):
        if isinstance(argument, ast.Tuple | ast.List):
            for index, element in enumerate(argument.elts[:8]):
                yield Found(
                    f"{name}({parameter}[{index}])", parameter, element, "keyword", context=(name,), callee=name
                )
        else:
            yield Found(f"{name}({parameter})", parameter, argument, "keyword", context=(name,), callee=name)
