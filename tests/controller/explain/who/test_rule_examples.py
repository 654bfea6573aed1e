"""A rule of ruff that fixes something is named by the replay, on the example of its own documentation."""

from __future__ import annotations

import json
import random
import re
import subprocess
from functools import cache

import pytest
from ruff import find_ruff_bin

from nightlab.controller.explain.who.distance import is_cut_off
from nightlab.controller.explain.who.replay import writers
from nightlab.controller.explain.who.steps import Step, make
from nightlab.controller.explain.who.workshop import workshop

PYTHON = (3, 13)
LEVELS = ("safe", "unsafe", "safe+preview", "unsafe+preview")
SETTINGS = ("--target-version=py313",)
SAMPLE = 45
END = b"\n\nEND = 0\n"


@cache
def examples() -> dict[str, bytes]:
    """Return the first example of every rule that has fixes."""
    listed = subprocess.run(
        [find_ruff_bin(), "rule", "--all", "--output-format", "json"], capture_output=True, check=True
    )
    found = {}
    for rule in json.loads(listed.stdout):
        block = re.search(r"```(?:python|py|pyi)\n(.*?)```", rule["explanation"] or "", re.DOTALL)
        if rule["fix_availability"] != "None" and "Removed" not in json.dumps(rule["status"]) and block:
            found[rule["code"]] = block[1].encode()
    return found


def wrong_names(rules: list[str]) -> tuple[dict[str, str], int]:
    """Make each rule's fix and replay it; return what was named in place of the rule, and how many were fixed."""
    wrong, fixed = {}, 0
    for rule in rules:
        before = examples()[rule]
        with workshop(["example.py"], PYTHON, {}, 60) as shop:
            steps = [Step("ruff check", SETTINGS, (rule,), level) for level in LEVELS]
            made = (make(shop, "example.py", before, step) for step in steps)
            after = next((content for content in made if content not in (None, before)), None)
        if after is None:
            continue
        if is_cut_off(before, after):  # a write that stopped leaves the same: nobody is named for that
            before, after = before + END, after + END
        fixed += 1
        told = writers([("example.py", before)], [("example.py", after)], ["example.py"], PYTHON)["writers"]
        named = {name for each in told for name in each["rules"] or [each["tool"]]}
        also = {name for each in told for said in each["also"] for name in re.split(r"[ ,]", said)}
        if named != {rule} and rule not in also:
            wrong[rule] = ",".join(sorted(named))
    return wrong, fixed


def test_a_sample_of_rules_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rules = random.Random(11).sample(sorted(examples()), SAMPLE)
    wrong, fixed = wrong_names(rules)
    assert fixed > SAMPLE / 2
    assert len(wrong) <= 0.02 * fixed, wrong


@pytest.mark.slow
def test_every_third_rule_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong, fixed = wrong_names(sorted(examples())[::3])
    assert fixed > 100
    assert len(wrong) <= 0.02 * fixed, wrong
