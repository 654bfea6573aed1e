"""Chooses what scores a sample run: a printed number, one in a file, or one in a log file that has to be printed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.schema import Regex
from nightlab.controller.errors import ConfigError
from nightlab.controller.model.score import Direction
from nightlab.controller.onboarding.bench import Sample
from nightlab.controller.onboarding.findings import Score, Wishes
from nightlab.controller.onboarding.metric import Metric, metrics_in, try_pattern
from nightlab.controller.onboarding.metric_names import meaning_of, words_of
from nightlab.controller.onboarding.result_files import FileMetric, file_metrics
from nightlab.controller.scoring.scan import visible_line

MOST_OTHERS: Final = 5
LOG_SUFFIXES: Final = (".log", ".txt", ".out")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file in which the metric is, while the output has none.

    Attributes:
        path: Relative to the workspace.
        metric: Its best one.
    """

    path: str
    metric: Metric


def score_of(sample: Sample, wishes: Wishes) -> Score | None:
    """Return what scores the run, by the person's word or the best that was seen.

    Raises:
        ConfigError: The person's expression is none, finds nothing, or does not tell its direction.
    """
    if wishes.metric:
        return _wished(sample, wishes)
    found: list[Metric | FileMetric] = [*metrics_in(sample.lines), *file_metrics(sample.files)]
    found.sort(key=lambda each: -each.weight)
    if not found:
        return None
    best = found[0]
    others = tuple(f"{each.name} ({each.reason}; {each.value:g})" for each in found[1 : MOST_OTHERS + 1])
    direction = wishes.direction or best.direction
    if isinstance(best, FileMetric):
        return Score(best.name, direction, best.measure, best.unit, best.value, best.reason, others)
    seen = f"{best.reason}; the expression matched {_times(best.seen)} in the sample run, last {best.value:g}"
    if not best.exact:
        seen += ". It also matches other numbers, so look at it"
    return Score(best.name, direction, Regex(pattern=best.pattern), best.unit, best.value, seen, others)


def log_file_of(sample: Sample) -> LogFile | None:
    """Return the log file that has what the output lacks."""
    found = []
    for path, content in sample.files.items():
        if path.lower().endswith(LOG_SUFFIXES) and not re.search(r"\d{6,}|\d{4}-\d{2}", path):
            lines = [visible_line(line) for line in re.split(rb"[\r\n]", content)]
            found += [LogFile(path, metric) for metric in metrics_in(lines)[:1]]
    return max(found, key=lambda each: each.metric.weight, default=None)


def printing(argv: tuple[str, ...], path: str) -> tuple[str, ...]:
    """Return a command that runs another one, which still takes arguments, and prints a file at its end."""
    return ("sh", "-c", f'{shlex.join(argv)} "$@" && cat {shlex.quote(path)}', "sh")


def _wished(sample: Sample, wishes: Wishes) -> Score:
    measure, direction = checked_pattern(wishes)
    words = _words(wishes.metric)
    meaning = meaning_of(words, checked=False)
    seen, value = try_pattern(wishes.metric, sample.lines)
    if value is None or value != value:
        raise ConfigError(
            f"--metric {wishes.metric!r} matched {_times(seen)} in the sample run and gave no number; its output is in "
            f"{sample.log}"
        )
    name = re.sub(r"[^A-Za-z0-9_]", "", "_".join(words))[:64] or "metric"
    reason = f"you named it; the expression matched {_times(seen)} in the sample run, last {value:g}"
    return Score(
        name if name[0].isalpha() else f"m_{name}", direction, measure, meaning.unit if meaning else "", value, reason
    )


def checked_pattern(wishes: Wishes) -> tuple[Regex, Direction]:
    """Return the measure of a person's expression, and which way it is better by their word or by its name.

    Raises:
        ConfigError: It is no expression with one group, or does not tell its direction.
    """
    pattern = wishes.metric
    try:
        measure = Regex(pattern=pattern)
    except ValueError as error:
        said = str(error).splitlines()
        raise ConfigError(f"--metric {pattern!r} {said[2].strip() if len(said) > 2 else said[-1]}") from error
    meaning = meaning_of(_words(pattern), checked=False)
    direction = wishes.direction or (meaning.direction if meaning else None)
    if direction is None:
        raise ConfigError(f"--metric {pattern!r} does not tell which way is better; add --direction")
    return measure, direction


def _words(pattern: str) -> tuple[str, ...]:
    return words_of(re.sub(r"\\[a-zA-Z]|\(.*?\)", " ", pattern))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
