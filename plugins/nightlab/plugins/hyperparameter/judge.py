"""Decides what happens to each literal: searched, with which range and why, or frozen, and why.

The user's word comes first, then what the name says, then where it stands, then what the code does with it. A number
whose meaning nobody can tell is left alone.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nightlab.api.globs import matches_any
from nightlab.plugins.hyperparameter import ranges
from nightlab.plugins.hyperparameter.evidence import Evidence
from nightlab.plugins.hyperparameter.families import FLAGS, NAMED, Rule, frozen_rule, tunable_rule
from nightlab.plugins.hyperparameter.literals import Literal
from nightlab.plugins.hyperparameter.names import words

TOLD_FORMS: Final = frozenset({"constant", "field", "argument", "variable", "config", "dict"})
OPTIMIZER_FLAGS: Final = frozenset({"nesterov", "amsgrad", "centered"})
_SECTION_STOPS: Final = frozenset({"evaluation", "data", "infrastructure", "seed"})


@dataclass(frozen=True, slots=True)
class Tunable:
    """A literal that is searched.

    Attributes:
        literal: Which.
        spec: Its property in nightlab-params/1.
    """

    literal: Literal
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A literal that is not searched.

    Attributes:
        literal: Which.
        category: "seed", "evaluation", "budget", "data", "infrastructure", "structure", "user", "unknown", ...
        reason: Why, for a person.
    """

    literal: Literal
    category: str
    reason: str

    @property
    def told(self) -> bool:
        """Whether a person wants to read of it; every zero of a script is not worth a line."""
        return self.category not in ("unknown", "structure") or self.literal.form in TOLD_FORMS


@dataclass(frozen=True, slots=True)
class Word:
    """The user's word: see Search and Train of the config."""

    frozen: Sequence[str] = ()
    tunable: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    editable: Sequence[str] = ("**",)
    protected: Sequence[str] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Word:
        """Read the action's settings."""
        return cls(
            tuple(settings.get("frozen", ())),
            dict(settings.get("tunable", {})),
            tuple(settings.get("editable", ("**",))),
            tuple(settings.get("protected", ())),
        )


class Judge:
    """Judges the literals of one workspace together: a width knows its heads."""

    def __init__(self, literals: Sequence[Literal], evidence: Evidence, word: Word) -> None:
        self._literals = literals
        self._evidence = evidence
        self._word = word
        self._config_keys = {words(each.word): each for each in literals if each.form == "config"}

    def judge(self, literal: Literal) -> Tunable | Frozen:
        """Decide one literal."""
        spoken = self._spoken(literal)
        if spoken is not None:
            return spoken
        frozen = self._frozen(literal)
        return frozen if frozen is not None else self._searched(literal)

    def _spoken(self, literal: Literal) -> Tunable | Frozen | None:
        if not matches_any(literal.path, self._word.editable) or matches_any(literal.path, self._word.protected):
            return Frozen(literal, "user", "the config does not let this file be edited")
        if any(_same_id(literal.id, pattern) for pattern in self._word.frozen):
            return Frozen(literal, "user", "search.frozen names it")
        wish = self._word.tunable.get(literal.id)
        return None if wish is None else self._as_wished(literal, wish)

    def _as_wished(self, literal: Literal, wish: Mapping[str, Any]) -> Tunable | Frozen:
        verdict = self._searched(literal)
        spec = dict(verdict.spec) if isinstance(verdict, Tunable) else _any_spec(literal)
        wished = _wished_spec(literal, spec, wish)
        if wished is None:
            return Frozen(
                literal, "user", "search.tunable names it without a usable range: give low and high or choices"
            )
        return Tunable(literal, _told(literal, wished, "search.tunable names it"))

    def _frozen(self, literal: Literal) -> Frozen | None:
        if literal.word in self._evidence.seeds:
            return Frozen(literal, "seed", f"{literal.word} seeds a random generator")
        rule = frozen_rule(literal.words)
        if rule is not None:
            return Frozen(literal, rule.meaning, f"{literal.word}: {rule.reason}")
        return self._frozen_by_place(literal) or self._frozen_by_use(literal)

    def _frozen_by_place(self, literal: Literal) -> Frozen | None:
        stem = literal.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        family = _family(literal.words)
        for place in (stem, *literal.context):
            rule = frozen_rule(words(place))
            shared = rule is not None and rule.meaning in ("data", "infrastructure") and family == "batch"
            if rule is None or rule.meaning not in _SECTION_STOPS or "train" in words(place) or shared:
                continue
            if place == stem and rule.meaning == "infrastructure":
                continue
            return Frozen(literal, rule.meaning, f"it belongs to {place}: {rule.reason}")
        return None

    def _frozen_by_use(self, literal: Literal) -> Frozen | None:
        word, evidence = literal.word, self._evidence
        if word in evidence.trains and _family(literal.words) is None:
            return Frozen(literal, "budget", f"{word} bounds the training loop")
        if _family(literal.words) == "batch" and word in evidence.evaluates:
            return Frozen(literal, "evaluation", f"{evidence.evaluates[word]}() reads {word} too")
        if literal.form in ("field", "parameter") and literal.context:
            owner = literal.context[-1]
            if evidence.always_passed(owner, word) or evidence.always_passed(owner.split(".")[-1], word):
                return Frozen(literal, "no effect", f"every call of {owner} passes {word}")
        other = self._config_keys.get(literal.words)
        if literal.form in ("field", "argument", "parameter") and other is not None:
            return Frozen(literal, "no effect", f"{other.id} sets it")
        return None

    def _searched(self, literal: Literal) -> Tunable | Frozen:
        if literal.kind == "boolean":
            return self._flag(literal)
        if literal.kind == "string":
            return self._named(literal)
        if {"eps", "epsilon"} & set(literal.words) and "norm" in words(" ".join((literal.word, literal.callee))):
            return Frozen(literal, "numerics", "it keeps a normalization from dividing by zero")
        rule, reason = self._meaning(literal)
        if rule is None:
            return Frozen(literal, "unknown", f"nothing tells what {literal.word} means")
        try:
            spec = self._number(literal, rule.meaning)
        except ranges.NoRange as error:
            return Frozen(literal, "unknown", f"{rule.meaning}: {error}")
        return Tunable(literal, _told(literal, spec, reason))

    def _meaning(self, literal: Literal) -> tuple[Rule | None, str]:
        """The family by the name itself, or by the parameter it is passed to."""
        rule = tunable_rule(literal.words)
        if rule is not None:
            return rule, rule.reason
        for callee, parameter in sorted(self._evidence.passed.get(literal.word, ())):
            rule = None if frozen_rule(words(parameter)) else tunable_rule(words(parameter))
            if rule is not None:
                return rule, f"passed to {callee} as {parameter}: {rule.reason}"
        if literal.word == "p" and "dropout" in words(" ".join((*literal.context[-1:], literal.callee))):
            return tunable_rule(("dropout",)), "the probability of a dropout layer"
        return None, ""

    def _number(self, literal: Literal, family: str) -> dict[str, Any]:
        value = float(literal.value)
        if literal.kind == "number":
            return ranges.number_spec(family, value)
        if value != int(value):
            raise ranges.NoRange(f"{literal.text} is no integer")
        powers = family == "batch" and (self._evidence.accumulates or "total" in literal.words)
        return ranges.integer_spec(family, int(value), divisors=self._divisors(literal, family), powers=powers)

    def _divisors(self, literal: Literal, family: str) -> list[int]:
        """The heads that divide a width, or the steps that widths are searched in."""
        if family == "width":
            return self._heads_in(literal, int(literal.value))
        if family != "heads":
            return []
        widths = [width for width in self._integers(literal, ("width",)) if width % int(literal.value) == 0]
        return [ranges.width_step(width, self._heads_in(literal, width)) for width in widths]

    def _heads_in(self, literal: Literal, width: int) -> list[int]:
        return [each for each in self._integers(literal, ("heads", "head size")) if width % each == 0]

    def _integers(self, literal: Literal, families: Sequence[str]) -> list[int]:
        fitting = [
            each
            for each in self._literals
            if each.kind == "integer" and _family(each.words) in families and int(each.value) > 0
        ]
        near = [each for each in fitting if each.path == literal.path] or fitting
        return [int(each.value) for each in near]

    def _flag(self, literal: Literal) -> Tunable | Frozen:
        if literal.form == "keyword" and not OPTIMIZER_FLAGS & set(literal.words):
            return Frozen(literal, "structure", f"it switches a part of one {literal.callee} only")
        passed = [parameter for _, parameter in sorted(self._evidence.passed.get(literal.word, ()))]
        for name in (literal.word, *passed):
            if FLAGS.matches(frozenset(words(name))) and frozen_rule(words(name)) is None:
                return Tunable(literal, _told(literal, {"type": "boolean"}, FLAGS.reason))
        return Frozen(literal, "unknown", f"nothing tells what {literal.word} switches")

    def _named(self, literal: Literal) -> Tunable | Frozen:
        choices = set(literal.choices) | self._evidence.options.get(literal.word, set())
        if not NAMED.matches(frozenset(literal.words)):
            return Frozen(literal, "unknown", f"nothing tells what the text of {literal.word} selects")
        if len(choices | {str(literal.value)}) < 2 or str(literal.value) not in choices:
            return Frozen(literal, "unknown", f"the code does not list what {literal.word} may be")
        spec = {"type": "string", "enum": sorted(choices)}
        return Tunable(literal, _told(literal, spec, NAMED.reason))


def current(literal: Literal) -> bool | int | float | str:
    """The literal's value in its own type: text that holds a number is that number."""
    if literal.kind == "number":
        return float(literal.value)
    if literal.kind == "integer":
        return int(literal.value)
    return literal.value


def _family(name: Sequence[str]) -> str | None:
    rule = None if frozen_rule(name) else tunable_rule(name)
    return rule.meaning if rule else None


def _told(literal: Literal, spec: Mapping[str, Any], reason: str) -> dict[str, Any]:
    told = dict(spec) | {
        "default": current(literal),
        "title": literal.name,
        "description": reason,
    }
    if "enum" in told and told["default"] not in told["enum"]:
        told["enum"] = sorted([*told["enum"], told["default"]])
    return told


def _any_spec(literal: Literal) -> dict[str, Any]:
    value = current(literal)
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, str):
        return {"type": "string", "enum": [value]}
    if value <= 0:
        return {"type": literal.kind, "minimum": value, "maximum": value, "x-scale": "linear"}
    if isinstance(value, int):
        return {"type": "integer", "minimum": max(1, value // 2), "maximum": 2 * value, "x-scale": "linear"}
    return {"type": "number", "minimum": value / 4, "maximum": value * 4, "x-scale": "log"}


def _wished_spec(literal: Literal, spec: dict[str, Any], wish: Mapping[str, Any]) -> dict[str, Any] | None:
    value = current(literal)
    if wish.get("choices"):
        choices = list(dict.fromkeys([*wish["choices"], value]))
        fitting = [each for each in choices if isinstance(each, bool) == isinstance(value, bool)]
        same = isinstance(value, str) or not any(isinstance(each, str) for each in fitting)
        kind = {"type": spec["type"], "enum": fitting}
        return kind if same and len(fitting) == len(choices) else None
    if isinstance(value, bool | str):
        return spec if isinstance(value, bool) or len(spec.get("enum", ())) > 1 else None
    if wish.get("low") is None and wish.get("high") is None and wish.get("log") is None:
        return spec if spec.get("minimum") != spec.get("maximum") or "enum" in spec else None
    bounds = spec if "minimum" in spec else _any_spec(literal)
    low = min(wish.get("low", bounds["minimum"]), value)
    high = max(wish.get("high", bounds["maximum"]), value)
    log = wish.get("log", bounds.get("x-scale") == "log") and low > 0
    if isinstance(value, int):
        low, high = int(low), int(high)
    scale = "log" if log else "linear"
    return {"type": spec["type"], "minimum": low, "maximum": high, "x-scale": scale} if low < high else None


def _same_id(name: str, pattern: str) -> bool:
    return name == pattern or fnmatch.fnmatchcase(name, pattern)
