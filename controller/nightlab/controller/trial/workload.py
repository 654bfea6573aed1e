"""What the workload is told: its environment, its command and its seed.

The image's ENV and ENTRYPOINT serve the workload and nobody else; the user's `train.env` wins over everything.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Final

from nightlab.controller.config.schema import Seed, Train
from nightlab.controller.errors import ConfigError
from nightlab.controller.model.site import Site

# Bytecode that an image keeps elsewhere can be of older sources, and of a kind that is never compared with them.
NOT_TAKEN: Final = frozenset({"PYTHONPYCACHEPREFIX"})
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CACHES: Final = {
    "TORCHINDUCTOR_CACHE_DIR": "/tmp/torchinductor",  # noqa: S108 - inside the container, its own tmpfs
    "TRITON_CACHE_DIR": "/tmp/triton",  # noqa: S108
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
    "NUMBA_CACHE_DIR": "/tmp/numba",  # noqa: S108
}
OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "WANDB_MODE": "offline",
    "UV_OFFLINE": "1",
    "UV_NO_SYNC": "1",  # `uv run` would fetch what the image has already
}
THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_MAX_THREADS")


def environment(site: Site, train: Train, *, seed: Seed, run_seed: int | None) -> dict[str, str]:
    """Return the workload's whole environment."""
    threads = str(max(1, math.ceil(train.cpus)))
    env = {
        **dict.fromkeys(THREADS, threads),
        **CACHES,
        **OFFLINE,
        "PATH": DEFAULT_PATH,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # Bytecode beside the sources could be stale or planted; installed packages bring their own.
        "PYTHONDONTWRITEBYTECODE": "1",
        # The home is writable: what a run puts into its user's own packages would be imported by the next process.
        **({} if site.user_site else {"PYTHONNOUSERSITE": "1"}),
        **{name: value for name, value in site.env.items() if name not in NOT_TAKEN},
        "HOME": site.home,
        "USER": site.user,
        "LOGNAME": site.user,
        **train.env,
    }
    if seed.kind == "variable" and run_seed is not None:
        env[seed.name] = str(run_seed)
    return env


def command(site: Site, train: Train, *, seed: Seed, run_seed: int | None) -> tuple[str, ...]:
    """Return the training command with its seed.

    Raises:
        ConfigError: `train.command` cannot be split.
    """
    argv = split_command(train.command, "train.command")
    if seed.kind == "argument" and run_seed is not None:
        argv = with_argument(argv, seed.name, str(run_seed))
    return (*site.entrypoint, *argv) if train.entrypoint == "image" else argv


def split_command(text: str | tuple[str, ...], field: str) -> tuple[str, ...]:
    """Split a command as a shell would, without running one."""
    if not isinstance(text, str):
        return text
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigError(f"{field} = {text!r} cannot be split into words: {error}") from None


def with_argument(argv: tuple[str, ...], name: str, value: str) -> tuple[str, ...]:
    """Set an argument: replace `NAME VALUE`, `NAME=VALUE` or `key=VALUE`, else append it in the form of its name.

    A name that ends in "=" is written as `nameVALUE` in one word (Hydra's `seed=`).
    """
    joined = name if name.endswith("=") else f"{name}="
    for index, word in enumerate(argv):
        if word.startswith(joined):
            return (*argv[:index], f"{joined}{value}", *argv[index + 1 :])
        if word == name and index + 1 < len(argv):
            return (*argv[: index + 1], value, *argv[index + 2 :])
    return (*argv, f"{name}{value}") if name.endswith("=") else (*argv, name, value)


def shown(argv: tuple[str, ...], env: Mapping[str, str], added: Mapping[str, str]) -> str:
    """Write a command as a person would type it, with the variables that were added."""
    variables = " ".join(f"{key}={shlex.quote(env[key])}" for key in sorted(added) if key in env)
    return f"{variables} {shlex.join(argv)}".strip()
