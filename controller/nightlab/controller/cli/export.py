"""`nightlab export`: hand over the winning change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, say
from nightlab.controller.cli.target import HERE, RepoOption, StudyOption, find


def export(
    patches: Annotated[Path | None, typer.Option(help="Write a patch series into this directory.")] = None,
    branch: Annotated[str, typer.Option(help="Write a branch of this name; nightlab/STUDY if none is given.")] = "",
    trial: Annotated[int | None, typer.Option(help="A trial other than the confirmed winner.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a branch of that name.")] = False,
    repo: RepoOption = HERE,
    study: StudyOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Hand over the winning change as a branch or as patches, with where it comes from.

    Index, working tree and current branch stay as they are, and nothing that the repo brings is run.

    Examples:
      nightlab export
      nightlab export --patches /tmp/night && git am --keep-cr /tmp/night/*.patch
    """
    from nightlab.controller.repo.blobs import BlobStore
    from nightlab.controller.repo.export import export_branch, export_patch_series
    from nightlab.controller.study import deliver

    with answering(as_json):
        target = find(repo, study)
        view = target.view()
        chosen = deliver.chosen_trial(view, trial)
        base = deliver.base_tree(target.store, target.study)
        steps = deliver.steps_of(target.store, view, chosen)
        blobs, at = BlobStore(target.state.blobs), deliver.exported_at(view)
        provenance = deliver.provenance_of(view, chosen)
        if not deliver.is_confirmed(chosen):
            say(f"trial {chosen.number} is not a confirmed gain; it is handed over because you named it")
        if patches is not None or not base.is_git:
            directory = patches or target.state.study(view.id) / "patches"
            made = export_patch_series(
                target.state.repo, base, steps, blobs, provenance=provenance, directory=directory, at=at
            )
            _tell(made, as_json, [f"{len(made.files)} patches in {directory}", deliver.how_to_apply(made)])
            return
        name = branch or f"nightlab/{view.id}"
        written = export_branch(
            target.state.repo, base, steps, blobs, provenance=provenance, branch=name, at=at, force=force
        )
        _tell(written, as_json, [f"branch {name}: {len(written.commits)} commits", deliver.how_to_take_over(written)])


def _tell(made: object, as_json: bool, lines: list[str]) -> None:
    if as_json:
        print_json(made)
        return
    for line in lines:
        say(line)
