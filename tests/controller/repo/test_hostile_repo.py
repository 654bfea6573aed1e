"""Acceptance case B01: nothing that a repo's git brings is run by snapshot, history or export.

Each way by which git can be made to run a program leaves a marker of its own. The first test shows that the traps work
when the user's own git is pointed at the repo.
"""

import os
from pathlib import Path

import pytest

from nightlab.controller.errors import RepoError
from nightlab.controller.repo import BlobStore, ExportStep, History, export_branch, export_patch_series, snapshot
from nightlab.controller.repo.git import git_program

from .conftest import AT, Clone, make_clone
from .test_export import entry, provenance

SETTINGS = {
    "core.fsmonitor": "fsmonitor",
    "core.sshCommand": "sshcommand",
    "core.gitProxy": "gitproxy",
    "core.pager": "pager",
    "core.editor": "editor",
    "core.askPass": "askpass",
    "core.alternateRefsCommand": "alternaterefs",
    "sequence.editor": "sequenceeditor",
    "pager.diff": "pagerdiff",
    "diff.external": "diffexternal",
    "diff.trap.command": "diffcommand",
    "diff.trap.textconv": "textconv",
    "filter.trap.clean": "clean",
    "filter.trap.smudge": "smudge",
    "filter.trap.process": "process",
    "filter.clean-only.clean": "cleanonly",
    "merge.trap.driver": "mergedriver",
    "gpg.program": "gpg",
    "credential.helper": "credential",
    "interactive.diffFilter": "difffilter",
    "format.signOff": "signoff",
    "alias.ls-files": "alias",
}
HOOKS = (
    "pre-commit",
    "post-commit",
    "post-index-change",
    "reference-transaction",
    "post-checkout",
    "prepare-commit-msg",
)
HOOKS += ("commit-msg", "pre-auto-gc", "post-rewrite", "applypatch-msg", "pre-applypatch")


def set_traps(clone: Clone, markers: Path, name: str) -> None:
    """Make every setting and hook of a clone leave a marker that begins with a name."""
    programs = markers.parent / f"{markers.name}-{name}-programs"
    programs.mkdir(parents=True)

    def trap(kind: str, folder: Path = programs) -> str:
        path = folder / kind
        path.write_text(f"#!/bin/sh\ntouch '{markers}/{name}-{kind}'\ncat 2>/dev/null\nexit 0\n")
        path.chmod(0o755)
        return str(path)

    hooks = clone.root / "hooks-of-the-repo"
    hooks.mkdir()
    for hook in HOOKS:
        trap(hook, hooks)
        trap(hook, Path(clone.git("rev-parse", "--absolute-git-dir")) / "hooks")
    (hooks / "included.cfg").write_text(f"[core]\n\tfsmonitor = {trap('included')}\n")
    config = Path(clone.git("rev-parse", "--absolute-git-dir")) / "config"
    lines = [f'[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgSign = true\n[filter "trap"]\n\trequired = true\n']
    lines += [f"[include]\n\tpath = {hooks / 'included.cfg'}\n"]
    for key, kind in SETTINGS.items():
        section, _, rest = key.partition(".")
        sub, _, variable = rest.rpartition(".")
        head = f'[{section} "{sub}"]' if sub else f"[{section}]"
        lines.append(f"{head}\n\t{variable} = {trap(kind)}\n")
    with config.open("a") as file:
        file.writelines(lines)


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Clone, Path]:
    """A clone with traps in itself, in a submodule and in an untracked repo inside; and where markers appear."""
    markers = tmp_path / "markers"
    markers.mkdir()
    library = make_clone(tmp_path / "library")
    library.write("lib.py", "L = 1\n")
    library.write(".gitattributes", "* filter=trap diff=trap\n")
    library.commit()
    clone = make_clone(tmp_path / "hostile")
    clone.write("train.py", "LR = 0.1\n")
    clone.write("other.dat", "x\n")
    clone.write(".gitattributes", "*.py filter=trap diff=trap merge=trap\n*.dat filter=clean-only diff=trap\n")
    clone.git("submodule", "add", "-q", str(library.root), "vendor")
    clone.commit()
    inner = make_clone(clone.root / "inner")
    inner.write("i.py", "x\n")
    inner.commit()
    for name, target in {"top": clone, "vendor": Clone(clone.root / "vendor"), "inner": inner}.items():
        set_traps(target, markers, name)
    # Stale times make git look at contents, which is where filters run.
    for path in ("train.py", "other.dat", "vendor/lib.py", "inner/i.py"):
        os.utime(clone.root / path, (1, 1))
    clone.write("untracked.py", "u = 1\n")
    return clone, markers


def test_the_traps_work(hostile: tuple[Clone, Path]):
    clone, markers = hostile
    clone.git("status", check=False)
    calm = ("-c", "filter.trap.process=", "-c", "filter.trap.required=false")
    clone.write("train.py", "LR = 0.9\n")
    clone.git(*calm, "diff", check=False)
    clone.git(*calm, "diff", "--no-ext-diff", check=False)
    clone.git(*calm, "commit", "--allow-empty", "-m", "x", check=False)
    expected = {"fsmonitor", "process", "cleanonly", "diffcommand", "textconv", "pre-commit", "gpg"}
    assert {f"top-{kind}" for kind in expected} | {"vendor-fsmonitor"} <= {path.name for path in markers.iterdir()}


def test_snapshot_history_and_export_run_nothing_of_the_repo(hostile: tuple[Clone, Path], tmp_path: Path, monkeypatch):
    clone, markers = hostile
    blobs = BlobStore(tmp_path / "blobs")
    # What the caller's environment says to git, and a git of the repo on a relative PATH, count for nothing either.
    (clone.root / "git").write_text(f"#!/bin/sh\ntouch '{markers}/path-git'\n")
    (clone.root / "git").chmod(0o755)
    git_program.cache_clear()
    monkeypatch.chdir(clone.root)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch '{markers}/environment'")
    monkeypatch.setenv("GIT_DIR", str(clone.root / ".git"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "filter.trap.clean")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch '{markers}/environment'; cat")

    base = snapshot(clone.root, blobs)
    assert {"untracked.py", "git"} <= set(base.dirty)
    assert {"vendor/lib.py", "inner/i.py", "train.py"} <= base.tree.by_path.keys()
    best = base.tree.with_changes(
        [entry(blobs, "train.py", b"LR = 0.2\n"), entry(blobs, ".gitattributes", b"* filter=trap diff=trap\n")]
    )
    steps = [ExportStep(best, "agent", "x")]
    history = History(tmp_path / "history", blobs)
    first = history.commit(base.tree, parent=None, author="base", message="m", at=AT)
    second = history.commit(best, parent=first, author="agent", message="m", at=AT)
    assert "+LR = 0.2" in history.diff(first, second)
    assert len(history.edits(second)) == 2
    made = export_branch(clone.root, base, steps, blobs, provenance=provenance(best), branch="best", at=AT)
    patches = export_patch_series(
        clone.root, base, steps, blobs, provenance=provenance(best), directory=tmp_path / "patches", at=AT
    )
    assert (len(made.commits), len(patches.files)) == (2, 2)
    assert "+LR = 0.2" in patches.files[1].read_text()
    assert sorted(path.name for path in markers.iterdir()) == []


def test_partial_clone_is_never_fetched_from(clone: Clone, blobs: BlobStore, tmp_path: Path):
    marker = tmp_path / "fetched"
    helper = clone.write("helper", f"#!/bin/sh\ntouch '{marker}'\n")
    helper.chmod(0o755)
    base = snapshot(clone.root, blobs)
    clone.git("config", "core.repositoryformatversion", "1")
    clone.git("config", "extensions.partialClone", "origin")
    clone.git("config", "remote.origin.promisor", "true")
    clone.git("config", "remote.origin.url", f"ext::{helper}")
    clone.git("config", "protocol.ext.allow", "always")
    tree = clone.git("rev-parse", "HEAD^{tree}")
    (clone.root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    clone.git("log", "-p", check=False)
    assert marker.exists(), "the trap must work for plain git"
    marker.unlink()
    best = base.tree.with_changes([entry(blobs, "train.py", b"LR = 2\n")])
    for attempt in (
        lambda: snapshot(clone.root, blobs),
        lambda: export_branch(
            clone.root, base, [ExportStep(best, "agent", "x")], blobs, provenance=provenance(best), branch="b", at=AT
        ),
    ):
        with pytest.raises(RepoError, match=r"git|commit"):
            attempt()
    assert not marker.exists()
