"""Examines this machine before a night: each thing that can go wrong later, with its remedy now.

Nothing is changed. Distributions patch old versions, so an old version is a warning, not a verdict.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from nightlab.controller.config.load import FILE_NAME, load_config
from nightlab.controller.config.schema import Config
from nightlab.controller.config.units import show_bytes
from nightlab.controller.engine import (
    Demand,
    EngineFacts,
    connect,
    how_many_fit,
    list_gpus,
    machine_capacity,
    missing_protections,
    what_is_short,
)
from nightlab.controller.engine.loops import loop_problem
from nightlab.controller.engine.resources import available_cores
from nightlab.controller.errors import ConfigError, EngineError

GiB: Final = 2**30
LOW_DISK_BYTES: Final = 5 * GiB
LEAST_DISK_BYTES: Final = 1 * GiB
LOW_MEMORY_BYTES: Final = 4 * GiB
PATCHED_ENGINE: Final = (29, 4, 3)
WAL_SAFE_SQLITE: Final = (3, 51, 3)
BARE_SAFE_GIT: Final = (2, 38)


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined.

    Attributes:
        name: What.
        level: How it is.
        text: What was found.
        remedy: What to do; empty if nothing.
    """

    name: str
    level: Level
    text: str
    remedy: str = ""


async def examine(repo: Path) -> tuple[Finding, ...]:
    """Examine the machine and, if there is one, the repo's config."""
    config, config_finding = _config(repo)
    findings: list[Finding] = []
    facts: EngineFacts | None = None
    try:
        facts, client = await asyncio.to_thread(connect)
        client.close()
    except EngineError as error:
        findings.append(Finding("engine", Level.FAIL, str(error), error.hint or "nightlab engine ensure"))
    if facts is not None:
        findings += [*_engine(facts), *_room(facts, config)]
    findings += [*_disk(repo, facts), *_tools(), *_gpus(config), config_finding]
    return tuple(findings)


def _engine(facts: EngineFacts) -> Iterator[Finding]:
    mode = ", rootless" if facts.rootless else ", with user namespaces" if facts.userns else ""
    yield Finding("engine", Level.OK, f"{facts.name} {facts.version} at {facts.socket}{mode}")
    missing = missing_protections(facts)
    if missing:
        text = f"the engine cannot give: {', '.join(missing)}"
        yield Finding("isolation", Level.FAIL, text, "use another engine, or set security.allow_degraded = true")
    else:
        yield Finding("isolation", Level.OK, _posture(facts))
    if facts.name == "docker" and _numbers(facts.version) < PATCHED_ENGINE:
        text = (
            f"{facts.version} is older than 29.4.3, which closes CVE-2026-31431; your distribution may have patched it"
        )
        yield Finding("engine version", Level.WARN, text, "update the engine or the kernel, or read its changelog")
    if facts.userns and not facts.rootless:
        text = "the engine remaps root to another user, who cannot open the link's socket"
        yield Finding("user namespaces", Level.FAIL, text, "use a rootless engine, or one without userns-remap")
    problem = "the engine is rootless" if facts.rootless else loop_problem()
    if problem:
        yield Finding("workspaces", Level.WARN, f"kept in memory: {problem}", "give trials more memory, or run as root")
    else:
        yield Finding("workspaces", Level.OK, "on loop devices of their own, limited in size")


def _posture(facts: EngineFacts) -> str:
    lsm = "AppArmor" if facts.apparmor else "SELinux" if facts.selinux else "no AppArmor or SELinux on this kernel"
    is_strict = facts.userns and (facts.apparmor or facts.selinux)
    level = "strict" if is_strict else "standard (a shared kernel)"
    policy = "own seccomp profile, no capabilities for the workload, no network"
    return f"{level}: {policy}; {lsm}; cgroup v{facts.cgroup_version}"


def _room(facts: EngineFacts, config: Config | None) -> Iterator[Finding]:
    cores = available_cores()
    text = f"{len(cores)} cores, {show_bytes(facts.memory_bytes)}"
    if facts.memory_bytes < LOW_MEMORY_BYTES:
        yield Finding("memory", Level.WARN, text, "trials with a model of any size need more")
    else:
        yield Finding("memory", Level.OK, text)
    if config is None:
        return
    train = config.train
    capacity = machine_capacity(cores, facts.memory_bytes, len(list_gpus()) if train.gpus else 0)
    demand = Demand(train.cpus, train.memory, train.gpus)
    short = what_is_short(capacity, demand)
    if short:
        yield Finding("trials at a time", Level.FAIL, short, "lower it in nightlab.toml")
    else:
        yield Finding("trials at a time", Level.OK, str(how_many_fit(capacity, demand)))


def _disk(repo: Path, facts: EngineFacts | None) -> Iterator[Finding]:
    places = {"disk of the repo": repo.resolve()}
    if facts is not None and Path(facts.data_root).is_dir():
        places["disk of the engine"] = Path(facts.data_root)
    for name, path in places.items():
        free = shutil.disk_usage(path).free
        level = Level.FAIL if free < LEAST_DISK_BYTES else Level.WARN if free < LOW_DISK_BYTES else Level.OK
        yield Finding(name, level, f"{show_bytes(free)} free at {path}", "" if level is Level.OK else "make room")


def _tools() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", Level.OK, version)
    sqlite = sqlite3.sqlite_version_info
    journal = "write-ahead log" if sqlite >= WAL_SAFE_SQLITE else "rollback journal: its write-ahead log is not safe"
    yield Finding("sqlite", Level.OK, f"{sqlite3.sqlite_version}, {journal}")
    yield from _git()
    if os.geteuid() != 0:
        yield Finding("user", Level.OK, f"uid {os.geteuid()}")


def _git() -> Iterator[Finding]:
    import subprocess

    program = shutil.which("git")
    if program is None:
        yield Finding("git", Level.FAIL, "not found", "install git")
        return
    said = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=10, check=False
    ).stdout.strip()
    if _numbers(said) < BARE_SAFE_GIT:
        yield Finding("git", Level.WARN, said, "use 2.38 or newer")
    else:
        yield Finding("git", Level.OK, said)


def _gpus(config: Config | None) -> Iterator[Finding]:
    gpus = list_gpus()
    text = ", ".join(f"{gpu.name} ({show_bytes(gpu.memory_bytes)})" for gpu in gpus) or "none seen by NVML"
    if config is not None and config.train.gpus > len(gpus):
        yield Finding("gpus", Level.FAIL, f"{text}; train.gpus is {config.train.gpus}", "install the driver, or set 0")
    else:
        yield Finding("gpus", Level.OK, text)


def _config(repo: Path) -> tuple[Config | None, Finding]:
    if not (repo / FILE_NAME).is_file():
        return None, Finding("config", Level.WARN, f"{repo.resolve()} has no {FILE_NAME}", "nightlab init")
    try:
        config = load_config(repo, env=os.environ)
    except ConfigError as error:
        return None, Finding("config", Level.FAIL, str(error), "correct it, or `nightlab init --force`")
    return config, Finding("config", Level.OK, f"{repo.resolve() / FILE_NAME} is well formed")


def _numbers(text: str) -> tuple[int, ...]:
    match = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
