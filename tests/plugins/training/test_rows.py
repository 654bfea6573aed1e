"""Which names hold one row for each sample when the training step begins, however the batch is made."""

from __future__ import annotations

import ast

import pytest

from nightlab.plugins.training.kinds import BATCH, PLAIN, ROWS, UNKNOWN, Stream
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.rows import Rows
from nightlab.plugins.training.workspace import scripts
from nightlab.sdk import Edits

HEAD = "import torch\nimport numpy as np\nfrom torch.utils.data import DataLoader\n"


def kinds(text: str, **others: str) -> dict[str, object]:
    """What names hold where `here` is called."""
    files = {"train.py": HEAD + text} | {f"{name}.py": content for name, content in others.items()}
    found = scripts(Edits(files, entry_points=("train.py",)))
    for script in found:
        for call in script.calls:
            if isinstance(call.func, ast.Name) and call.func.id == "here":
                return dict(Rows(found, Models(found)).before(script, script.statement(call)))
    raise AssertionError("here() is not called")


@pytest.mark.parametrize(
    "text",
    [
        "for x, y in train_loader:\n    here()\n",
        "for i, (x, y) in enumerate(DataLoader(d)):\n    here()\n",
        "pbar = tqdm(enumerate(loader), total=3)\nfor i, (x, y) in pbar:\n    here()\n",
        "for batch in loader:\n    x, y = batch\n    here()\n",
        "for batch in loader:\n    x, y = [t.to(d) for t in batch]\n    here()\n",
        "for batch in loader:\n    x, y = batch['x'].cuda(), batch['y']\n    here()\n",
        "it = iter(loader)\nwhile True:\n    x, y = next(it)\n    here()\n",
        "for x, y in loader:\n    x = x.view(x.size(0), -1).to(d)\n    y = y[:, 0].float() / 2\n    here()\n",
        "for x, y in loader:\n    if cuda:\n        x, y = x.cuda(), y.cuda()\n    here()\n",
        "while True:\n    x = torch.randint(9, (batch_size,))\n    y = data[x]\n    here()\n",
        "while True:\n    i = torch.randint(9, (32,))\n    x, y = data[i], labels[i]\n    here()\n",
        "while True:\n    x = torch.stack([data[i] for i in range(BATCH)])\n    y = torch.randn_like(x)\n    here()\n",
        (
            "def get():\n    i = np.random.randint(0, 9, size=(batch_size,))\n    return data[i], data[i + 1]\n"
            "for step in range(9):\n    x, y = get()\n    here()\n"
        ),
        (
            "def batches(n):\n    for i in range(0, len(data), batch_size):\n"
            "        yield data[i:i + batch_size], labels[i:i + batch_size]\nfor x, y in batches(9):\n    here()\n"
        ),
        "def step(x, y):\n    here()\nfor x, y in loader:\n    step(x, y)\n",
        (
            "class T:\n    def step(self, x, y):\n        here()\n    def fit(self):\n"
            "        for a, b in self.loader:\n            self.step(a, y=b)\n"
        ),
        "def make():\n    return DataLoader(d)\nfor x, y in make():\n    here()\n",
    ],
)
def test_batches_are_found(text: str) -> None:
    found = kinds(text)
    assert (found["x"], found["y"]) == (ROWS, ROWS)


def test_a_function_of_another_file() -> None:
    other = (
        "import torch\ndef cut(data, starts):\n"
        "    chunk = data[starts[:, None] + torch.arange(9)].long()\n    return chunk[:, 1:]\n"
    )
    text = "from other import cut\nwhile True:\n    s = torch.randint(9, (4,))\n    x = cut(data, s)\n    here()\n"
    assert kinds(text, other=other)["x"] is ROWS


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("z = x.size(0)", UNKNOWN),
        ("z = x.mean()", UNKNOWN),
        ("z = x.transpose(0, 1)", UNKNOWN),
        ("z = x.view(-1)", UNKNOWN),
        ("z = x.view(B * T, 9)", UNKNOWN),
        ("z = x.view(B, 9)", ROWS),
        ("z = x[0]", UNKNOWN),
        ("z = x[1:]", UNKNOWN),
        ("z = torch.stack([x, x], dim=1)", UNKNOWN),
        ("z = x @ x", UNKNOWN),
        ("z = whatever(9)", UNKNOWN),
        ("z = x if flag else whatever()", UNKNOWN),
        ("z = x.device", PLAIN),
        ("z = 2 * i + 1", PLAIN),
        ("z = x != 0", ROWS),
        ("z = x.permute(0, 2, 1)", ROWS),
        ("z = x[..., 0]", ROWS),
    ],
)
def test_what_is_made_of_a_batch(line: str, kind: object) -> None:
    assert kinds(f"for i, x in enumerate(DataLoader(d)):\n    x = x.to(d)\n    {line}\n    here()\n")["z"] is kind


def test_what_is_made_once_is_the_same_for_all_batches() -> None:
    found = kinds("model = make()\nloader = DataLoader(d)\nfor batch in loader:\n    here()\n")
    assert found == {"model": PLAIN, "loader": Stream(BATCH), "batch": BATCH}


def test_a_function_that_calls_itself_ends() -> None:
    assert kinds("def f(n):\n    return f(n - 1)\nwhile True:\n    x = f(3)\n    here()\n")["x"] is UNKNOWN
