"""Takes the measurements of one finished run: from its output, from files it wrote, from what the host observed.

A quantity that is missing has no value; it is never zero. Whether a value is good belongs to `verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nightlab.api.globs import matches
from nightlab.controller.config.schema import Constraint, CsvFile, JsonFile, Objective, Observed, Regex
from nightlab.controller.model.score import Measurement, Trust
from nightlab.controller.model.trial import Usage
from nightlab.controller.scoring.files import read_csv, read_json
from nightlab.controller.scoring.scan import SCAN_LIMIT_S, Pattern, Reading, scan_log

_QUANTITY: Final = {
    "wall_time": "wall time of the training command, by the host's clock",
    "peak_memory": "largest sampled anonymous plus shared memory",
    "gpu_memory": "largest GPU memory, by NVML",
}


def measure_run(
    quantities: Sequence[Objective | Constraint],
    log: Path,
    files: Mapping[str, bytes],
    usage: Usage,
    scan_limit_s: float = SCAN_LIMIT_S,
) -> tuple[Measurement, ...]:
    """Measure every objective and constraint of a run; blocks while a helper process scans the output.

    Args:
        quantities: Objectives and constraints.
        log: The run's output as stored.
        files: Content by path relative to the workspace, of the files that `measured_paths` names; a file that the run
            did not write is left out.
        usage: What the host observed.
        scan_limit_s: Deadline of one scan.

    Returns:
        One measurement a quantity, in their order; without a value its source says why.
    """
    patterns = {
        q.name: Pattern(q.measure.pattern, q.measure.select) for q in quantities if isinstance(q.measure, Regex)
    }
    readings = scan_log(log, patterns, scan_limit_s)
    return tuple(_measurement(quantity, readings, files, usage) for quantity in quantities)


def measured_paths(quantities: Sequence[Objective | Constraint]) -> tuple[str, ...]:
    """Name the files, or globs of them, that have to be taken out of a run's workspace."""
    return tuple(sorted({q.measure.path for q in quantities if isinstance(q.measure, (JsonFile, CsvFile))}))


def _measurement(
    quantity: Objective | Constraint, readings: Mapping[str, Reading], files: Mapping[str, bytes], usage: Usage
) -> Measurement:
    measure = quantity.measure
    if isinstance(measure, Observed):
        value = _observed(measure, usage)
        source = _QUANTITY[measure.quantity]
        return Measurement(quantity.name, value, Trust.OBSERVED, source if value is not None else f"no {source}")
    if isinstance(measure, Regex):
        reading = readings[quantity.name]
        where = f"{measure.select} match of /{measure.pattern}/, line {reading.place} of the output"
    else:
        path, reading = _from_file(measure, files)
        key = measure.key if isinstance(measure, JsonFile) else measure.column
        where = f"{measure.select} {key} of {path}, row {reading.place}"
    return Measurement(quantity.name, reading.value, Trust.REPORTED, reading.why or where)


def _from_file(measure: JsonFile | CsvFile, files: Mapping[str, bytes]) -> tuple[str, Reading]:
    """Return the one file that a measure means, and what it says; of two, nobody knows which is this run's."""
    paths = [measure.path] if measure.path in files else sorted(path for path in files if matches(path, measure.path))
    if not paths:
        return measure.path, Reading(None, why=f"the run did not write {measure.path}")
    if len(paths) > 1:
        several = (
            f"{len(paths)} files match {measure.path} ({paths[0]}, {paths[1]}, ...): name one, or ignore old results"
        )
        return measure.path, Reading(None, why=several)
    named = measure.model_copy(update={"path": paths[0]})
    content = files[paths[0]]
    return paths[0], read_json(content, named) if isinstance(named, JsonFile) else read_csv(content, named)


def _observed(measure: Observed, usage: Usage) -> float | None:
    if measure.quantity == "wall_time":
        return usage.train_s if usage.train_s > 0 else None
    seen = usage.peak_memory_bytes if measure.quantity == "peak_memory" else usage.peak_gpu_bytes
    return None if seen is None else float(seen)
