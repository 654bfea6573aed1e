"""What the documents point to is there: files, commands, options."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from nightlab.controller.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS = typer.main.get_command(app).commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_their_options_exist(page):
    wrong = []
    for line in re.findall(r"^ {4}(?:\$ )?nightlab (.*)|`nightlab ([^`]*)`", page.read_text(), re.MULTILINE):
        words = re.split(r"#| -- | \| ", " ".join(line))[0].split()  # what follows "--" is another program's
        command = COMMANDS.get(words[0])
        if command is not None and words[0] in ("trial", "engine", "plugin") and len(words) > 1:
            command = command.commands.get(words[1])
        if command is None:
            wrong.append(" ".join(words))
            continue
        known = {"--help", *(option for parameter in command.params for option in parameter.opts)}
        wrong += [f"{words[0]} {word}" for word in words if re.match(r"--?[a-zA-Z]", word) and word not in known]
    assert wrong == []
