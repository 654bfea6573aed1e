"""Finds a repo's Dockerfile, or writes a plain one that says what it assumes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nightlab.controller.model.tree import Tree

Reader = Callable[[str], str]
_NAMES: Final = re.compile(r"(?:dockerfile|containerfile)(?:[.-][\w.-]+)?|[\w.-]+\.dockerfile", re.IGNORECASE)
_GOOD: Final = re.compile(r"train|gpu|cuda|research|experiment")
_BAD: Final = re.compile(
    r"serve|serving|infer|deploy|api|web|prod|docs?\b|test|ci\b|lint|release|demo|jupyter|notebook|arm|rocm|tpu"
)
_IGNORED: Final = re.compile(r"\.(?:dockerignore|j2|jinja|tmpl|template|in|md|txt)$")
MARK: Final = "# Written by `nightlab init`"


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile of the repo.

    Attributes:
        path: Relative to the repo.
        context: Build context, relative to the repo.
        weight: Larger fits better.
        reason: Why it is the one, or not.
    """

    path: str
    context: str
    weight: int
    reason: str


def find_dockerfiles(tree: Tree, read: Reader) -> list[Dockerfile]:
    """Return the Dockerfiles of a repo, the one to use first."""
    paths = [entry.path for entry in tree.entries]
    found = [path for path in paths if _NAMES.fullmatch(path.rpartition("/")[2]) and not _IGNORED.search(path.lower())]
    return sorted((_judged(path, read(path), set(paths)) for path in found), key=lambda each: (-each.weight, each.path))


def _judged(path: str, text: str, paths: set[str]) -> Dockerfile:
    weight, reasons = 50, []
    if path in ("Dockerfile", "Containerfile"):
        weight, reasons = 70, ["it is the one that a plain `docker build` takes"]
    lower = path.lower()
    if _GOOD.search(lower):
        weight += 15
        reasons.append("its name speaks of training")
    if _BAD.search(lower):
        weight -= 30
        reasons.append("its name speaks of something else than training")
    weight -= 3 * path.count("/")
    if not re.search(r"(?mi)^\s*FROM\s", text):
        weight -= 60
        reasons.append("it has no FROM line")
    return Dockerfile(path, _context(path, text, paths), weight, "; ".join(reasons) or "it is the only kind there is")


def _context(path: str, text: str, paths: set[str]) -> str:
    """Return the folder that its COPY lines fit: the repo, unless only the Dockerfile's own folder has their sources."""
    folder = path.rpartition("/")[0]
    if not folder:
        return "."
    sources = [
        word.removeprefix("./").rstrip("/")
        for line in re.findall(r"(?mi)^\s*(?:COPY|ADD)\s+(?!.*--from)(.+)$", text)
        for word in line.split()[:-1]
        if not word.startswith("--") and word not in (".", "./") and "*" not in word
    ]

    def there(root: str) -> int:
        return sum(any(p == f"{root}{s}" or p.startswith(f"{root}{s}/") for p in paths) for s in sources)

    return folder if there(f"{folder}/") > there("") else "."


@dataclass(frozen=True, slots=True)
class Written:
    """A Dockerfile that was written.

    Attributes:
        text: Its content.
        assumptions: What it rests on, one line each.
    """

    text: str
    assumptions: tuple[str, ...]


def plain_dockerfile(tree: Tree, read: Reader) -> Written:
    """Write a Dockerfile for a repo that has none, from what it says of its dependencies."""
    paths = {entry.path for entry in tree.entries}
    steps, assumptions = _install(paths, read)
    text = "\n".join(
        (
            f"{MARK}: a plain image for this repo. Change it as you like; it is yours.",
            "ARG BASE=nightlab/python:3.11",
            "FROM ${BASE}",
            "WORKDIR /app",
            *steps,
            "COPY . .",
            *(["RUN pip install --no-deps --no-build-isolation --editable ."] if _is_package(paths, read) else []),
            "",
        )
    )
    return Written(text, ("Python 3.11 on Debian; another base: image.build_args.BASE", *assumptions))


def _install(paths: set[str], read: Reader) -> tuple[list[str], list[str]]:
    requirements = [p for p in ("requirements.txt", "requirements/base.txt", "requirements/train.txt") if p in paths]
    if requirements:
        name = requirements[0]
        included = [p for p in paths if p.startswith("requirements") and p.endswith(".txt") and p != name]
        copies = [f"COPY {path} {path}" for path in sorted([name, *included])]
        return [*copies, f"RUN pip install --no-cache-dir -r {name}"], [f"dependencies: {name}"]
    if "pyproject.toml" in paths:
        names = _dependencies(read("pyproject.toml"))
        if names:
            quoted = " ".join(f"'{name}'" for name in names)
            return [f"RUN pip install --no-cache-dir setuptools {quoted}"], ["dependencies: pyproject.toml"]
    if "setup.py" in paths or "setup.cfg" in paths:
        return ["COPY . /tmp/install", "RUN pip install --no-cache-dir setuptools /tmp/install"], [
            "dependencies: setup.py"
        ]
    hints = [p for p in ("environment.yml", "environment.yaml", "conda.yml", "Pipfile") if p in paths]
    if hints:
        names = _conda_names(read(hints[0])) if hints[0].endswith(("yml", "yaml")) else []
        steps = [f"RUN pip install --no-cache-dir {' '.join(names)}"] if names else []
        return steps, [f"dependencies: {hints[0]}, installed with pip as far as their names are known there"]
    return _imported(paths, read)


def _dependencies(text: str) -> list[str]:
    try:
        project: Any = tomllib.loads(text).get("project", {})
        names = [str(name) for name in project.get("dependencies", ())]
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, RecursionError):
        return []
    return [name for name in names if "'" not in name and "\n" not in name]


def _conda_names(text: str) -> list[str]:
    lines = re.findall(r"(?m)^\s*-\s+([A-Za-z][\w.-]*)\s*(?:[=<>].*)?$", text)
    channels = {
        "conda-forge",
        "defaults",
        "pytorch",
        "nvidia",
        "python",
        "pip",
        "cudatoolkit",
        "pytorch-cuda",
        "cpuonly",
    }
    renamed = {"pytorch": "torch"}
    return sorted(
        {renamed.get(n, n) for n in lines if n not in channels} | ({"torch"} if "pytorch" in lines else set())
    )


_PACKAGES: Final = {
    "torch": "torch", "torchvision": "torchvision", "numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn",
    "pandas": "pandas", "tqdm": "tqdm", "yaml": "pyyaml", "matplotlib": "matplotlib", "transformers": "transformers",
    "datasets": "datasets", "tiktoken": "tiktoken", "einops": "einops", "jax": "jax", "flax": "flax", "optax": "optax",
    "xgboost": "xgboost", "lightgbm": "lightgbm", "tensorflow": "tensorflow", "keras": "keras", "PIL": "pillow",
    "omegaconf": "omegaconf", "hydra": "hydra-core", "lightning": "lightning", "gymnasium": "gymnasium",
}  # fmt: skip


def _imported(paths: set[str], read: Reader) -> tuple[list[str], list[str]]:
    """Nothing names the dependencies, so the imports do."""
    names: set[str] = set()
    for path in sorted(p for p in paths if p.endswith(".py") and p.count("/") < 3)[:200]:
        names.update(re.findall(r"(?m)^\s*(?:import|from) (\w+)", read(path)))
    wanted = sorted({_PACKAGES[name] for name in names & _PACKAGES.keys()})
    if not wanted:
        return [], ["dependencies: none were named; the scripts seem to need the standard library only"]
    return [f"RUN pip install --no-cache-dir {' '.join(wanted)}"], [f"dependencies by import: {', '.join(wanted)}"]


def _is_package(paths: set[str], read: Reader) -> bool:
    return "pyproject.toml" in paths and "[build-system]" in read("pyproject.toml")
