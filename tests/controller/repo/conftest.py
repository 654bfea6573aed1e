"""Real git repos in tmp_path, made by the host's git without the machine's own configuration."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightlab.controller.repo import BlobStore

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


class Clone:
    """A user's repo, with plain git at hand."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *args: str, check: bool = True) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_EDITOR": "true"}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{role}_NAME": "Ada", f"GIT_{role}_EMAIL": "ada@example.org"}
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *args], cwd=self.root, env=env, capture_output=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="surrogateescape").strip()

    def write(self, path: str, content: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


def make_clone(root: Path, *options: str) -> Clone:
    root.mkdir(parents=True, exist_ok=True)
    clone = Clone(root)
    clone.git("init", "-q", "-b", "main", *options)
    return clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone with a few committed files."""
    made = make_clone(tmp_path / "repo")
    made.write("train.py", "LR = 0.1\nSTEPS = 10\n")
    made.write("pkg/model.py", "WIDTH = 64\n")
    made.write("run.sh", "python train.py\n").chmod(0o755)
    (made.root / "latest").symlink_to("pkg/model.py")
    made.write(".gitignore", "data/\n*.ckpt\n")
    made.commit("first")
    return made


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "state/blobs")
