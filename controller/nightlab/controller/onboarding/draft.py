"""Writes what was found as a nightlab.toml in which every setting has its reason. Pure: findings in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.schema import MiB
from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.config.write import render_config
from nightlab.controller.onboarding.files import output_globs
from nightlab.controller.onboarding.findings import Findings
from nightlab.controller.onboarding.limits import toml_bytes, toml_seconds, workspace_for
from nightlab.controller.text import inert

LISTED: Final = 60
HEAD: Final = (
    "Written by `nightlab init` from one sample run. Change what you like: `nightlab doctor` checks it, `nightlab run "
    "--dry-run` prices the night, `nightlab run` starts it. What is not here has its default."
)


def draft(findings: Findings, repo_name: str) -> str:
    """Return the text of the config."""
    values: dict[str, Any] = {
        "name": _name(repo_name),
        "image": _image(findings),
        "train": _train(findings),
        "objectives": _objectives(findings),
        "noise": _noise(findings),
        "budget": {"trials": 40, "wall_time": "8h"},
        "search": {"policy": "tpe", "frozen": list(findings.overridden) or None},
    }
    return render_config(values, {key: text for key, text in _comments(findings) if text})


def tunable_of(offered: tuple[OfferedAction, ...]) -> dict[str, Mapping[str, Any]]:
    """Return the literals that the search would move."""
    return {name: spec for action in offered if action.sampleable for name, spec in action.schema["properties"].items()}


def frozen_of(offered: tuple[OfferedAction, ...]) -> list[tuple[str, str]]:
    """Return the literals that nothing may move, as (what, why)."""
    notes = [note for action in offered for note in action.diagnostics if note.summary.startswith("frozen: ")]
    return [(f"{note.pointer}: {note.summary.removeprefix('frozen: ')}", note.detail) for note in notes]


def _name(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:64]
    return plain if re.match(r"[A-Za-z]", plain) else f"study-{plain}"[:64]


# Values


def _image(findings: Findings) -> dict[str, Any]:
    image = findings.config.image
    return {
        "dockerfile": image.dockerfile,
        "context": None if image.context == "." else image.context,
        "build_args": dict(image.build_args) or None,
        "workspace": findings.site.workspace,
    }


def _train(findings: Findings) -> dict[str, Any]:
    train, sample = findings.config.train, findings.sample
    globs = output_globs(sample.written, findings.tracked)
    written = sum(sample.written.values())
    size = workspace_for(written, train.workspace_size)
    return {
        "command": findings.candidate.text,
        "entrypoint": "image" if findings.candidate.entrypoint == "image" else None,
        "workdir": findings.site.workdir,
        "timeout": toml_seconds(train.timeout),
        "cpus": int(train.cpus) if train.cpus == int(train.cpus) else train.cpus,
        "memory": toml_bytes(train.memory),
        "gpus": train.gpus or None,
        "workspace_size": toml_bytes(size) if size != train.workspace_size else None,
        "protected": list(findings.protected) or None,
        "outputs": list(globs) or None,
        "output_limit": toml_bytes(-(-written * 2 // MiB) * MiB) if written * 2 > train.output_limit else None,
        "writable": list(train.writable) or None,
    }


def _objectives(findings: Findings) -> list[dict[str, Any]]:
    score = findings.score
    measure = {k: v for k, v in score.measure.model_dump().items() if (k, v) != ("select", "last")}
    return [
        {"name": score.name, "direction": score.direction.value, "unit": score.unit or None, "measure": measure},
        {
            "name": "peak_memory",
            "direction": "minimize",
            "unit": "bytes",
            "measure": {"source": "observed", "quantity": "peak_memory"},
        },
    ]


def _noise(findings: Findings) -> dict[str, Any]:
    option = findings.seed.option
    if option is None:
        return {"seed": {"kind": "none"}, "repeats": 3}
    return {"seed": {"kind": option.seed.kind, "name": option.seed.name, "base": option.seed.base}, "repeats": 3}


# Reasons


def _comments(findings: Findings) -> Iterator[tuple[str, str]]:
    usage = findings.sample.outcome.usage
    peak = "unknown" if usage.peak_memory_bytes is None else show_bytes(usage.peak_memory_bytes)
    yield "", "\n".join([HEAD, *(f"NOTE: {note}" for note in findings.notes)])
    yield "image.dockerfile", findings.dockerfile
    yield "image.workspace", _where(findings)
    yield "train.command", findings.candidate.reason
    yield "train.entrypoint", "the image's ENTRYPOINT is a wrapper that sets up what the command needs"
    yield "train.workdir", _started(findings)
    yield "train.timeout", f"the sample run took {show_seconds(usage.train_s)}"
    yield "train.cpus", f"the sample run kept {usage.cpu_s / usage.train_s:.1f} cores busy" if usage.train_s else ""
    yield "train.memory", f"the sample run's peak was {peak}; a search needs room above it"
    yield "train.gpus", "the sample run used GPU memory"
    yield "train.workspace_size", "the sample run wrote a lot"
    yield "train.protected", "nothing may change: " + "; ".join(f"{p} ({why})" for p, why in findings.protected.items())
    yield "train.outputs", "kept of each trial; the sample run wrote them"
    yield "train.writable", "the run could not go on without writing there"
    yield "objectives[0].name", "\n".join(_scored(findings))
    yield "objectives[1].name", "the second objective: measured from outside, it spans the Pareto front"
    yield "noise.seed", findings.seed.proof
    yield "budget.trials", "search trials; baselines and confirmations come on top"
    yield "search.frozen", "train.command sets these, so another value in a file would change nothing"
    yield "search.policy", "\n".join(_searched(findings.offered))


def _where(findings: Findings) -> str:
    site = findings.site
    said = next(
        (note for note in site.notes if "does not hold" in note), "the image has the repo there, by its content"
    )
    seeded = f"; {len(site.seeded)} files there that git does not track come from the image" if site.seeded else ""
    unreadable = f"; the run cannot read {', '.join(site.unreadable[:5])}" if site.unreadable else ""
    return said + seeded + unreadable


def _started(findings: Findings) -> str:
    site = findings.site
    where = (
        "the image's WORKDIR" if site.workdir != site.workspace else "the workspace, which is the image's WORKDIR too"
    )
    return f"{where}; runs as {site.user} ({site.uid}), HOME is {site.home}"


def _scored(findings: Findings) -> Iterator[str]:
    yield f"the first objective decides what is kept: {findings.score.reason}"
    if findings.score.others:
        yield f"also seen: {'; '.join(findings.score.others)}"


def _searched(offered: tuple[OfferedAction, ...]) -> Iterator[str]:
    tunable, frozen = tunable_of(offered), frozen_of(offered)
    yield f"The search moves {len(tunable)} literals (search.tunable gives one another range, search.frozen stops one):"
    for name, spec in list(tunable.items())[:LISTED]:
        yield f"  {name} = {spec.get('default')}  {_range(spec)}"
    yield from [f"  ... and {len(tunable) - LISTED} more"] if len(tunable) > LISTED else []
    yield f"It leaves {len(frozen)} alone:"
    for what, why in frozen[:LISTED]:
        yield f"  {inert(what, 120)}  ({inert(why, 120)})"
    yield from [f"  ... and {len(frozen) - LISTED} more"] if len(frozen) > LISTED else []


def _range(spec: Mapping[str, Any]) -> str:
    if "enum" in spec:
        allowed = ", ".join(str(each) for each in spec["enum"])
    elif "minimum" in spec:
        allowed = f"{spec['minimum']} .. {spec.get('maximum')}" + (" by ratio" if spec.get("x-scale") == "log" else "")
    else:
        allowed = str(spec.get("type", ""))
    why = str(spec.get("description", ""))
    return f"{allowed}  ({inert(why, 120)})" if why else allowed
