"""Begins a study, or finds the one to go on with: its row, its base tree, its site.

What a study needs once is made at its first sitting and read from the store at every later one.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from nightlab.controller.config.schema import Config
from nightlab.controller.engine import Engine
from nightlab.controller.errors import ConfigError, NightlabError, StudyStopped
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.snapshot import snapshot
from nightlab.controller.report.view import StudyState
from nightlab.controller.store import Store, StudyRecord
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.study.scribe import Scribe, unix_ms
from nightlab.controller.trial.spawn import Spawner
from nightlab.controller.version import VERSION

SITE: Final = TypeAdapter(Site)
FINDINGS: Final = TypeAdapter(tuple[Finding, ...])
ENDED: Final = (StudyState.FINISHED, StudyState.STOPPED)


def begin(store: Store, state: StateDir, blobs: BlobStore, config: Config, engine: Engine) -> StudyRecord:
    """Take the base tree and write a new study.

    Raises:
        RepoError: The repo cannot be read as a base tree.
    """
    base = snapshot(state.repo, blobs)
    record = StudyRecord(
        id=new_study_id(),
        name=config.name,
        repo=str(state.repo),
        state=StudyState.PREPARING,
        config=config.canonical(),
        nightlab_version=VERSION,
        created_unix_ms=unix_ms(),
        base_digest=base.tree.digest,
        head=base.head,
        branch=base.branch,
        dirty=base.dirty,
        is_git=base.is_git,
        nested=base.nested,
        engine={"name": engine.facts.name, "version": engine.facts.version},
    )
    store.add_tree(base.tree)
    store.add_study(record)
    return record


def unfinished(store: Store, study_id: str) -> StudyRecord:
    """Return the study to go on with: the one named, else the newest that has not ended.

    Raises:
        ConfigError: There is none.
        StoreError: There is no study of that id.
    """
    wanted = [store.study(study_id)] if study_id else store.studies()
    records = [record for record in wanted if record.state not in ENDED]
    if not records:
        which = f"study {study_id} has ended" if study_id else "no study here is unfinished"
        raise ConfigError(which, hint="`nightlab run` without --resume starts a new one")
    return records[-1]


async def site_of(
    record: StudyRecord, config: Config, engine: Engine, scribe: Scribe, spawner: Spawner, base: Tree
) -> tuple[Site, tuple[Finding, ...]]:
    """Return the site and the base tree's findings from the store, or make them and store them.

    Raises:
        ImageError, StudyStopped, EngineError, LinkError: As of `SiteMaker.make`; the study has ended then.
    """
    if record.site is not None:
        spawner.site = SITE.validate_python(record.site)
        await _check_volumes(record.id, spawner.site, engine)
        return spawner.site, FINDINGS.validate_python(record.base_findings or ())
    maker = SiteMaker(config, engine, scribe.state, record.id, spawner, scribe.progress.note)
    try:
        site, findings = await maker.make(base)
    except NightlabError as error:
        scribe.store.update_study(record.id, state=StudyState.STOPPED, stop_reason=str(error), ended_unix_ms=unix_ms())
        raise
    scribe.store.update_study(
        record.id, site=SITE.dump_python(site, mode="json"), base_findings=[asdict(f) for f in findings]
    )
    for note in site.notes:
        scribe.note("site", note)
    return site, findings


async def _check_volumes(study_id: str, site: Site, engine: Engine) -> None:
    """Refuse to go on without what trials read: the engine would make a missing volume, empty."""
    there = (await engine.leftovers(study_id)).volumes
    gone = [name for name in (site.seed_volume, site.data_volume) if name and name not in there]
    if gone:
        raise StudyStopped(
            f"study {study_id} cannot go on: its volume {gone[0]} was removed, with data that every trial read",
            hint="start a new study with `nightlab run`",
        )


def new_study_id() -> str:
    """Return an id that sorts by day and is unique in practice: "261123-4f09"."""
    return f"{datetime.now().astimezone():%y%m%d}-{secrets.token_hex(2)}"
