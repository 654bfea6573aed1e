"""`nightlab status`: where a study is."""

from __future__ import annotations

from nightlab.controller.cli.output import JsonFlag, answering, print_json, print_rich, say
from nightlab.controller.cli.target import HERE, RepoOption, StudyOption, find


def status(repo: RepoOption = HERE, study: StudyOption = "", as_json: JsonFlag = False) -> None:
    """Show where the newest study is, and what it has found so far.

    Examples:
      nightlab status
      nightlab status -C ../other-repo --json
    """
    from nightlab.controller.report.tables import status as status_table

    with answering(as_json):
        view = find(repo, study).view()
        if as_json:
            print_json(view)
            return
        print_rich(status_table(view))
        say("nightlab trial list · nightlab trial logs NUMBER -f · nightlab report")
