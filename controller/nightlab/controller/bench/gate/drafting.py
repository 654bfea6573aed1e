"""An author who proposes a program on a draft, and whose own command is the rogue writer."""

from __future__ import annotations

import base64
from typing import Final

from nightlab.controller.bench.gate.cases import Program
from nightlab.controller.bench.gate.gate import Rogue
from nightlab.controller.bench.gate.ground import Place
from nightlab.controller.errors import LinkError
from nightlab.controller.model.tree import Tree
from nightlab.controller.trial.draft import Draft

COMMAND_S: Final = 60.0
WRITE: Final = """
import base64, os, sys
for path, text in zip(sys.argv[1::2], sys.argv[2::2]):
    before = open(path, "rb").read() if os.path.exists(path) else None
    if text == "-":
        os.unlink(path)
        continue
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    for content in (base64.b64decode(text[1:]), before) if text[0] == "r" else (base64.b64decode(text[1:]),):
        open(path, "wb").write(content)
"""


class Drafter:
    """Proposes nothing but what the tree has already, and runs a command that writes more than that.

    Args:
        place: Of the launch.
        program: What is proposed.
        rogue: What the command leaves.
    """

    def __init__(self, place: Place, program: Program, rogue: Rogue) -> None:
        self._place = place
        self._program = program
        self._rogue = rogue

    def record(self, tree: Tree, *, author: str, message: str) -> str:
        """Commit a tree."""
        return self._place.commit(tree, author, message)

    async def work(self, draft: Draft) -> None:
        """Run the command and adopt nothing of it.

        Raises:
            LinkError: The command could not be started, or left nothing.
        """
        ran = await draft.run(self._rogue.argv or _writing(self._rogue), COMMAND_S)
        if ran.exit.start_error:
            raise LinkError(f"{self._rogue.argv[:1]} could not be started in the draft: {ran.exit.start_error}")
        if not ran.unadopted.paths and not self._rogue.restores:
            said = ran.output.decode(errors="replace")[-300:]
            raise LinkError(f"the writer of {self._program.name} changed nothing in the draft: {said}")


def _writing(rogue: Rogue) -> list[str]:
    words = ["python3", "-c", WRITE]
    for path, content in rogue.files.items():
        mark = "r" if rogue.restores else "w"
        words += [path, "-" if content is None else mark + base64.b64encode(content).decode()]
    return words
