"""The workspaces that a plugin is asked about: a small training repo, or a directory, and spoiled copies of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from nightlab.api.globs import matches, matches_any
from nightlab.api.plugin.v1 import plugin_pb2 as pb

WORKSPACE_BYTES: Final = 2 * 2**20
FILE_BYTES: Final = 2**20
NOT_UTF8: Final = b"\xff\xfe\x00 not text \x80\xc3\x28\n"
_ENTRY_POINTS: Final = ("train.py",)
_TRAIN: Final = b'''\
"""Trains a small classifier."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from model import Net

BATCH_SIZE = 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()

    torch.manual_seed(0)
    inputs = torch.randn(1024, 32)
    labels = torch.randint(0, 10, (1024,))
    loader = DataLoader(TensorDataset(inputs, labels), batch_size=BATCH_SIZE, shuffle=True)

    model = Net(hidden=128, dropout=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(args.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")  # read by the host


if __name__ == "__main__":
    main()
'''
_MODEL: Final = b'''\
"""The network."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.dropout(torch.relu(self.linear(self.norm(x))))


class Net(nn.Module):
    def __init__(self, hidden: int = 128, dropout: float = 0.1, depth: int = 3) -> None:
        super().__init__()
        self.inner = nn.Linear(32, hidden)
        self.blocks = nn.ModuleList([Block(hidden, dropout) for _ in range(depth)])
        self.outer = nn.Linear(hidden, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.inner(x)
        for block in self.blocks:
            x = block(x)
        return self.outer(x)
'''
BUILT_IN: Final[Mapping[str, bytes]] = {
    "README.md": b"# A small training repo\n\nRun `python train.py`.\n",
    "config.yaml": b"# of the model\nnorm: layernorm\nhidden: 128\ndropout: 0.1\noptimizer:\n  lr: 0.0003\n",
    "configs/base.json": b'{\n  "lr": 0.0003,\n  "batch_size": 64,\n  "warmup_steps": 100\n}\n',
    "model.py": _MODEL,
    "pyproject.toml": b'[project]\nname = "small"\nversion = "0.1.0"\n',
    "train.py": _TRAIN,
    "train.sh": b"#!/bin/sh\nexec python train.py --lr 3e-4\n",
}


def of_directory(folder: Path) -> dict[str, bytes]:
    """Read a directory's files as a host sends them: no links, nothing hidden, no file over 1 MiB.

    Raises:
        ValueError: There is no file, or one cannot be read.
    """
    try:
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _shown(folder)}
    except OSError as error:
        raise ValueError(f"{folder} cannot be read ({error})") from error
    if not found:
        raise ValueError(f"{folder} holds no file that could be shown to a plugin; name a training repo")
    return found


def _shown(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
        if not hidden and not path.is_symlink() and path.is_file() and path.stat().st_size <= FILE_BYTES:
            yield path


def message(files: Mapping[str, bytes], reads: Sequence[str]) -> pb.Workspace:
    """Show an action the files that it declares to read, at most 2 MiB, small ones first."""
    wanted = {path: content for path, content in files.items() if matches_any(path, reads)}
    shown: dict[str, bytes] = {}
    for path in sorted(wanted, key=lambda path: (path not in _ENTRY_POINTS, len(wanted[path]), path)):
        if sum(map(len, shown.values())) + len(wanted[path]) <= WORKSPACE_BYTES:
            shown[path] = wanted[path]
    return pb.Workspace(
        digest=digest(files),
        files=[pb.File(path=path, content=content, sha256=sha256(content)) for path, content in sorted(shown.items())],
        missing_globs=[glob for glob in reads if not any(matches(path, glob) for path in wanted)],
        entry_points=[path for path in _ENTRY_POINTS if path in files],
    )


def digest(files: Mapping[str, bytes]) -> str:
    """Name a whole tree; a plugin may only compare it."""
    lines = "".join(f"{sha256(content)} {path}\n" for path, content in sorted(files.items()))
    return sha256(lines.encode())


def sha256(content: bytes) -> str:
    """Hash content as the protocol writes it: lowercase hex."""
    return hashlib.sha256(content).hexdigest()


def with_crlf(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give every line of every file the other line end."""
    return {path: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for path, content in files.items()}
