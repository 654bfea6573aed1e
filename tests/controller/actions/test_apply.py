"""A plugin's edits are checked against what it declared, the config and the tree."""

import pytest

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.apply import EDIT_BYTES, Bounds, checked_edits
from nightlab.controller.actions.select import sha256
from nightlab.controller.errors import PluginError

FILES = {"a.py": b"lr = 1\n", "lib/b.py": b"x = 1\n"}
BOUNDS = Bounds(writes=("**/*.py",), editable=("**/*.py", "**/*.yaml"), protected=("lib/**",))


def edit(path: str, new: bytes = b"new", base: str | None = None) -> pb.FileEdit:
    known = sha256(FILES[path]) if path in FILES else ""
    return pb.FileEdit(path=path, base_sha256=known if base is None else base, write=new)


def answer(*edits: pb.FileEdit) -> pb.ApplyActionResponse:
    return pb.ApplyActionResponse(edits=pb.EditSet(edits=edits, summary="two\n words"))


def test_good_edits_are_taken() -> None:
    gone = pb.FileEdit(path="a.py", base_sha256=sha256(FILES["a.py"]), delete=True)
    applied = checked_edits("action:p/a", answer(edit("new.py", b"y"), gone), FILES, BOUNDS)
    assert (applied.writes, applied.deletes, applied.summary, applied.rejection) == (
        {"new.py": b"y"},
        ("a.py",),
        "two words",
        (),
    )


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (answer(edit("../x.py")), "'..' part"),
        (answer(edit("/etc/x.py")), "relative"),
        (answer(edit("a//b.py")), "empty"),
        (answer(edit(".git/hooks/x.py")), ".git directory"),
        (answer(edit("sub/.GIT/x.py")), ".git directory"),
        (answer(edit("c.yaml")), "outside the files it declared"),
        (answer(edit("a.py", base="0" * 64)), "other content"),
        (answer(edit("a.py", base="")), "other content"),
        (answer(edit("new.py", base="0" * 64)), "other content"),
        (answer(edit("a.py"), edit("a.py")), "occurs twice"),
        (answer(pb.FileEdit(path="a.py", base_sha256=sha256(FILES["a.py"]))), "neither write nor delete"),
        (answer(pb.FileEdit(path="new.py", delete=True)), "does not exist"),
        (answer(edit("a.py", b"x" * (EDIT_BYTES + 1))), "more than"),
        (answer(*(edit(f"{n}.py") for n in range(201))), "more than"),
        (pb.ApplyActionResponse(), "answered nothing"),
        (pb.ApplyActionResponse(needs_completion=pb.CompletionRequest(prompt="?")), "needs_completion"),
    ],
)
def test_broken_contract_is_an_error_that_names_the_path(response: pb.ApplyActionResponse, reason: str) -> None:
    with pytest.raises(PluginError, match="action:p/a") as caught:
        checked_edits("action:p/a", response, FILES, BOUNDS)
    assert reason in str(caught.value)


def test_protected_file_is_a_rejection() -> None:
    applied = checked_edits("action:p/a", answer(edit("a.py"), edit("lib/b.py")), FILES, BOUNDS)
    assert applied.writes == {}
    assert "train.protected" in applied.rejection[0].summary


def test_rejection_carries_the_plugins_words_and_never_none() -> None:
    told = pb.Diagnostic(severity=pb.SEVERITY_ERROR, summary="no\nway" + "x" * 999, pointer="/lr")
    applied = checked_edits("p", pb.ApplyActionResponse(rejection=pb.Rejection(diagnostics=[told])), FILES, BOUNDS)
    assert applied.rejection[0].summary.startswith("no way") and len(applied.rejection[0].summary) == 400
    assert checked_edits("p", pb.ApplyActionResponse(rejection=pb.Rejection()), FILES, BOUNDS).rejection
