"""Statements are edited and every other byte stays, whatever the line ends, indentation and comments."""

from __future__ import annotations

import pytest

from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.script import Script
from nightlab.sdk import Edits, Unmet

TEXT = 'import torch\ndef f(x):\n\ty = x  # why\n\n\tz = """\n  a\n"""\n\treturn y\n'


def made(text: bytes) -> tuple[Script, Patch]:
    script = Script("train.py", text)
    return script, Patch(script)


def saved(patch: Patch) -> bytes:
    ws = Edits({"train.py": b""})
    patch.save(ws)
    return ws.read("train.py")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_move_with_the_files_own_indentation(mark: bytes, end: str) -> None:
    script, patch = made(mark + TEXT.replace("\n", end).encode())
    body = script.tree.body[1].body
    patch.before(body[0], ["with torch:"])
    patch.shift(body[0], body[1])
    expected = TEXT.replace("\ty =", "\twith torch:\n\t\ty =").replace("\tz =", "\t\tz =")
    assert saved(patch) == mark + expected.replace("\n", end).encode()


def test_a_comment_goes_above_what_replaces_its_line() -> None:
    script, patch = made(TEXT.encode())
    patch.instead(script.tree.body[1].body[0], ["y = 1", "y += 1"])
    assert saved(patch).decode() == TEXT.replace("\ty = x  # why\n", "\t# why\n\ty = 1\n\ty += 1\n")


def test_a_last_line_without_an_end() -> None:
    script, patch = made(b"import torch\nx = 1")
    patch.after(script.tree.body[1], ["y = 2"])
    assert saved(patch) == b"import torch\nx = 1\ny = 2\n"


@pytest.mark.parametrize(
    ("text", "module", "written", "expected"),
    [
        ("import torch\n", "torch", "torch", "import torch\n"),
        ("import torch as th\n", "torch", "th", "import torch as th\n"),
        ("from torch import nn\n", "torch", "torch", "import torch\nfrom torch import nn\n"),
        (
            "from __future__ import annotations\nimport os\n",
            "torch",
            "torch",
            "from __future__ import annotations\nimport torch\nimport os\n",
        ),
        (
            "import torch\nimport os\n",
            "torch.utils.checkpoint",
            "torch.utils.checkpoint",
            "import torch\nimport torch.utils.checkpoint\nimport os\n",
        ),
        ("import torch.utils.checkpoint as c\n", "torch.utils.checkpoint", "c", "import torch.utils.checkpoint as c\n"),
        (
            "from os import path\nfrom torch import nn\n",
            "torch.utils.checkpoint",
            "torch.utils.checkpoint",
            "from os import path\nimport torch.utils.checkpoint\nfrom torch import nn\n",
        ),
    ],
)
def test_torch_is_imported_once(text: str, module: str, written: str, expected: str) -> None:
    _, patch = made(text.encode())
    assert patch.use(module) == written
    assert saved(patch).decode() == expected


def test_another_torch_is_left_alone() -> None:
    _, patch = made(b"from mine import torch\n")
    with pytest.raises(Unmet, match=r"train.py:1: the name torch stands for something else"):
        patch.use("torch")


def test_statements_that_share_a_line_are_refused() -> None:
    script, patch = made(b"x = 1; y = 2\n")
    with pytest.raises(Unmet, match=r"train.py:1 holds several statements"):
        patch.instead(script.tree.body[0], ["x = 2"])
