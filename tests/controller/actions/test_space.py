"""Schemas become Optuna's distributions, drawn values arguments that the schema takes."""

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from nightlab.api.params import argument_problems
from nightlab.controller.actions.space import arguments_of, distributions

SCHEMA = {
    "type": "object",
    "properties": {
        "lr": {"type": "number", "minimum": 6e-5, "maximum": 6e-3, "x-scale": "log", "default": 6e-4},
        "drop": {"type": "number", "minimum": 0.0, "maximum": 0.5, "default": 0.1},
        "width": {"type": "integer", "minimum": 32, "maximum": 256, "multipleOf": 32, "x-scale": "log", "default": 64},
        "layers": {"type": "integer", "minimum": 1, "maximum": 6, "x-scale": "log", "default": 2},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "bias": {"type": "boolean", "default": True},
        "text": {"type": "string", "maxLength": 9, "default": ""},
        "free": {"type": "string", "enum": ["x"], "default": "x", "x-sampleable": False},
    },
    "required": [],
    "additionalProperties": False,
}


def test_each_kind_has_its_distribution() -> None:
    assert distributions(SCHEMA) == {
        "lr": FloatDistribution(6e-5, 6e-3, log=True),
        "drop": FloatDistribution(0.0, 0.5),
        "width": IntDistribution(32, 256, step=32),
        "layers": IntDistribution(1, 6, log=True),
        "kind": CategoricalDistribution(("a", "b")),
        "bias": CategoricalDistribution((False, True)),
    }


def test_drawn_values_are_arguments() -> None:
    optuna.logging.disable_default_handler()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(50):
        drawn = study.ask(distributions(SCHEMA)).params
        arguments = arguments_of(SCHEMA, drawn)
        assert argument_problems(SCHEMA, arguments) == []
        assert len(f"{arguments['lr']:e}".split("e")[0].rstrip("0")) <= 5
        assert isinstance(arguments["width"], int)


def test_rounding_stays_inside_the_bounds() -> None:
    schema = {**SCHEMA, "properties": {"lr": {"type": "number", "minimum": 0.12341, "maximum": 0.2, "default": 0.2}}}
    assert arguments_of(schema, {"lr": 0.123411}) == {"lr": 0.12341}
