"""Every case of the lint corpus is attributed to who really wrote it, by replay of the real tool's change."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from nightlab.controller.explain.who.replay import redo, writers

CORPUS = Path(__file__).parents[3] / "lint-corpus" / "corpus"
TOOLS = ("ruff", "isort", "black", "autoflake", "pyupgrade")


def case_of(folder: Path) -> dict:
    return tomllib.loads((folder / "case.toml").read_text())


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".py", ".toml")}


def replayed(source: Path, place: Path) -> dict:
    """Let the case's tool write, and ask who it was."""
    case = case_of(source)
    shutil.copytree(source, place)
    (place / "case.toml").unlink()
    before = files_of(place)
    tool = [sys.executable] if case["tool"] == "python" else [str(Path(sys.executable).with_name(case["tool"]))]
    subprocess.run([*tool, *case["ruff_args"], *case["targets"]], cwd=place, capture_output=True, check=False)
    after = files_of(place)
    changed = [path for path in before if before[path] != after[path]]
    config = [(path, before[path]) for path in before if path.endswith(".toml")]
    old = [(path, before[path]) for path in changed]
    told = writers(old, [(path, after[path]) for path in changed], list(before), (3, 11), config)
    exact = [
        dict(redo(old, each, None, list(before), (3, 11), config)) == {path: after[path] for path in each["paths"]}
        for each in told["writers"]
        if each["tool"] and len(told["writers"]) == 1
    ]
    return {**told, "changed": changed, "redone": all(exact)}


def is_right(case: dict, told: dict) -> bool:
    named = {name for each in told["writers"] for name in each["rules"] or [each["tool"] or "none"]}
    also = {said.split()[0] for each in told["writers"] for said in each["also"]}
    wanted = {{"format": "ruff format"}.get(rule, rule) for rule in case["rules"]}
    if wanted & {"ALL", "default"}:
        return "none" not in named
    return named <= wanted or bool(wanted & also)


def test_the_right_rule_is_named_for_98_percent_and_no_tool_for_writes_by_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong, total = {}, 0
    for folder in sorted(CORPUS.iterdir()):
        case = case_of(folder)
        if case["kind"] == "bug":
            continue
        told = replayed(folder, tmp_path / folder.name)
        assert told["changed"], folder.name
        total += 1
        right = is_right(case, told) and told["redone"]
        if not right:
            wrong[folder.name] = told["writers"]
        assert right or case["kind"] != "oob", f"{folder.name}: {told['writers']}"
    assert total > 100
    assert len(wrong) <= 0.02 * total, wrong
