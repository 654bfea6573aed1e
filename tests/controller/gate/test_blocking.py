"""What keeps an edit from being launched: bugs do, whatever kind they are of; harmless edits do not."""

from __future__ import annotations

from tests.controller.gate.conftest import Gate
from tests.controller.gate.edits import BUGS, HARMLESS


async def test_each_bug_is_stopped_by_its_rule(gate: Gate) -> None:
    found = await gate.block(
        {f"{name}.py": before for name, (before, _, _) in BUGS.items()},
        {f"{name}.py": after for name, (_, after, _) in BUGS.items()},
    )
    stopped = {(f.path, f.code) for f in found.findings}
    assert [name for name, (_, _, code) in BUGS.items() if (f"{name}.py", code) not in stopped] == []


async def test_no_harmless_edit_is_stopped(gate: Gate) -> None:
    found = await gate.block(
        {f"{name}.py": before for name, (before, _) in HARMLESS.items()},
        {f"{name}.py": after for name, (_, after) in HARMLESS.items()},
    )
    assert [(f.path, f.code, f.message) for f in found.findings] == []
