"""What the repo's own settings say is told; whatever they hold, nothing breaks."""

from __future__ import annotations

import pytest

from nightlab.controller.gate.repo_config import is_setting, read_repo_config
from nightlab.controller.gate.target import choose_target


def test_the_ruff_config_of_the_top_is_read_in_ruffs_order() -> None:
    files = {
        "pyproject.toml": b'[project]\nrequires-python = ">=3.9"\n[tool.ruff]\nfix = true\n',
        "ruff.toml": b'fix = true\nunsafe-fixes = true\ntarget-version = "py312"\n[lint]\nselect = ["ALL"]\n[format]\n',
    }
    found = read_repo_config(files)
    assert (found.path, found.selects, found.fixes, found.unsafe_fixes) == ("ruff.toml", ("ALL",), True, True)
    assert (found.formats, found.target_version, found.requires_python) == (True, "py312", ">=3.9")
    assert any("rewrites files (unsafe fixes too)" in note for note in found.notes)


@pytest.mark.parametrize(
    "content", [b"[tool.ruff", b"\xff", b"a = " + b"[" * 5_000, b"x = 1\n" * 100_000, b'[tool]\nruff = "no"\n', b""]
)
def test_a_broken_config_is_a_note_at_most(content: bytes) -> None:
    found = read_repo_config({"pyproject.toml": content, "setup.cfg": content, "Makefile": content})
    assert found.selects == ()


def test_a_pin_of_another_ruff_is_said() -> None:
    files = {"ruff.toml": b'required-version = "==0.15.0"\n'}
    assert "asks for ruff ==0.15.0" in read_repo_config(files, ruff_version="0.17.5").notes[0]
    assert read_repo_config({"ruff.toml": b'required-version = ">=0.15"\n'}, ruff_version="0.17.5").notes == ()


def test_what_rewrites_files_is_one_note() -> None:
    files = {
        ".pre-commit-config.yaml": b"repos:\n- repo: x\n  hooks:\n  - id: ruff-format\n  - id: check-yaml\n",
        "Makefile": b"format:\n\truff check --fix .\n\tisort .\nrun:\n\tpython train.py\n",
        ".husky/pre-commit": b"black .\n",
    }
    assert all(map(is_setting, files))
    notes = read_repo_config(files).notes
    assert notes == (
        (
            "this repo formats itself with black (.husky/pre-commit), ruff-format (pre-commit), "
            "ruff check (make format), isort (make format)"
        ),
    )


@pytest.mark.parametrize(
    ("python", "requires", "chosen"),
    [
        ((3, 12), ">=3.9", ("py312", "the interpreter")),
        (None, ">=3.9,<4", ("py39", "requires-python")),
        (None, "^3.10", ("py310", "requires-python")),
        (None, "~=3.8.1", ("py38", "requires-python")),
        (None, "nonsense", ("py311", "nightlab")),
        (None, "", ("py311", "nightlab")),
    ],
)
def test_the_target_is_the_interpreters_else_what_is_asked_for(
    python: tuple[int, int] | None, requires: str, chosen: tuple[str, str]
) -> None:
    assert choose_target(python, requires) == chosen
