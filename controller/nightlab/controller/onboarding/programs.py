"""What the words of a command say: shells, interpreters, wrappers, servers. Pure; nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "zsh"})
PYTHON: Final = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?")
LAUNCHERS: Final = frozenset(
    {"torchrun", "accelerate", "deepspeed", "horovodrun", "mpirun", "uv", "poetry", "pdm", "hatch"}
)
INITS: Final = frozenset({"tini", "dumb-init", "docker-init"})
NOT_TRAINING: Final = frozenset(
    [
        "jupyter",
        "jupyter-lab",
        "jupyter-notebook",
        "ipython",
        "sleep",
        "tail",
        "uvicorn",
        "gunicorn",
        "streamlit",
        "flask",
        "nginx",
        "sshd",
        "nvidia-smi",
        "top",
        "pytest",
        "tox",
        "nox",
        "ruff",
        "mypy",
        "black",
        "tensorboard",
        "mlflow",
        "supervisord",
        "node",
        "npm",
    ]
)
_SHELL_SYNTAX: Final = re.compile(r"[|&;<>$`(){}*?\[\]~#!\n]")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_HANDS_OVER: Final = re.compile(r"""(?m)^[^#\n]*["']?\$\{?[@*]""")


def base_name(word: str) -> str:
    """Return a program's name without its directory."""
    return word.rpartition("/")[2]


def plain(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that a shell form stands for, if a shell is not needed for it.

    `CMD python3 main.py` is `/bin/sh -c "python3 main.py"` in an image; without a shell, arguments can be added to it.
    """
    if len(argv) == 3 and base_name(argv[0]) in SHELLS and argv[1] == "-c" and not _SHELL_SYNTAX.search(argv[2]):
        words = shlex.split(argv[2].removeprefix("exec "))
        if words and not _ASSIGNMENT.match(words[0]):
            return tuple(words)
    return tuple(argv)


def without_init(argv: Sequence[str]) -> tuple[str, ...]:
    """Drop a leading init program such as `tini --`: the sandbox has its own."""
    if not argv or base_name(argv[0]) not in INITS:
        return tuple(argv)
    rest = list(argv[1:])
    while rest and rest[0].startswith("-"):
        if rest.pop(0) == "--":
            break
    return tuple(rest)


def does_nothing(argv: Sequence[str]) -> bool:
    """Whether a command only opens a prompt, or is none."""
    if not argv:
        return True
    is_prompt = base_name(argv[0]) in SHELLS or PYTHON.fullmatch(base_name(argv[0])) is not None
    return is_prompt and all(word in ("-i", "-l", "-il", "--login", "-u") for word in argv[1:])


def is_interpreter(argv: Sequence[str]) -> bool:
    """Whether words begin a command that needs a script: `python -u`, `conda run -n env`, `uv run`, `bash -c`."""
    if not argv:
        return False
    name, last = base_name(argv[0]), argv[-1]
    if PYTHON.fullmatch(name) or name in SHELLS:
        return all(word.startswith("-") for word in argv[1:])
    return name in ("conda", "mamba", "micromamba", "uv", "poetry", "pdm", "env", "torchrun") and not last.endswith(
        ".py"
    )


def serves(argv: Sequence[str]) -> bool:
    """Whether a command is something else than training: a server, a notebook, a test suite."""
    names = {base_name(word) for word in argv[:6]}
    modules = {argv[i + 1].split(".")[0] for i in range(len(argv) - 1) if argv[i] == "-m"}
    return bool((names | modules) & NOT_TRAINING)


def hands_over(script: str) -> bool:
    """Whether a shell script runs the arguments that it gets, as an ENTRYPOINT wrapper does."""
    return any(re.search(r"\bexec\b|^\s*[\"']?\$\{?[@*]", line) for line in _lines_with_arguments(script))


def passes_arguments(script: str) -> bool:
    """Whether a shell script uses its arguments at all, so that one may be added to its command."""
    return bool(_lines_with_arguments(script)) or re.search(r"\$\{?[1-9]|\bgetopts\b|\bshift\b", script) is not None


def _lines_with_arguments(script: str) -> list[str]:
    return [line for line in script.splitlines() if _HANDS_OVER.match(line)]


def as_text(argv: Sequence[str]) -> str:
    """Write a command as a person would type it."""
    return shlex.join(argv)
