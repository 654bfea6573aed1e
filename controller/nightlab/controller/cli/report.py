"""`nightlab report`: write the report of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nightlab.controller.cli.output import JsonFlag, answering, print_json, say
from nightlab.controller.cli.target import HERE, RepoOption, StudyOption, find
from nightlab.controller.store.state_dir import StateDir

if TYPE_CHECKING:
    from nightlab.controller.report.view import StudyView


def report(repo: RepoOption = HERE, study: StudyOption = "", as_json: JsonFlag = False) -> None:
    """Write the report: one HTML page and one Markdown file. A running study has one too.

    Examples:
      nightlab report
      nightlab report --json > night.json
    """
    with answering(as_json):
        view = find(repo, study).view(with_details=True)
        paths = write_report(view, repo)
        if as_json:
            print_json(view)
            return
        for path in paths:
            say(str(path))


def write_report(view: StudyView, repo: Path) -> tuple[Path, Path]:
    """Write both files into the state directory and return their paths, the page first."""
    from nightlab.controller.report.html import render_html
    from nightlab.controller.report.markdown import render_markdown

    directory = StateDir.of_repo(repo).study(view.id)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    page, text = directory / "report.html", directory / "report.md"
    page.write_text(render_html(view), encoding="utf-8")
    text.write_text(render_markdown(view), encoding="utf-8")
    return page, text
