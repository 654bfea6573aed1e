"""What a result means: endings become verdicts, likely winners are confirmed, a confirmed one becomes the incumbent.

The statistics are `scoring.verdict`'s; this module gathers the runs that they need and writes down what they say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.model.score import Measurement, NoiseFloor, Trust, Verdict
from nightlab.controller.model.trial import Ending, Role, TrialOutcome
from nightlab.controller.scoring.noise import noise_floor
from nightlab.controller.scoring.verdict import confirm, confirm_rate, gain_over, screen
from nightlab.controller.store import TrialRecord
from nightlab.controller.study.past import excess
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.study.seeds import confirm_seeds

VERDICTS: Final = {
    Ending.FAILED: Verdict.CRASH,
    Ending.TIMED_OUT: Verdict.CRASH,
    Ending.OUT_OF_MEMORY: Verdict.INFEASIBLE,
    Ending.STOPPED: Verdict.LOST,
    Ending.GATE_REJECTED: Verdict.REJECTED,
    Ending.NOT_AS_SEALED: Verdict.VOID,
    Ending.LOST: Verdict.LOST,
}
Measured = Mapping[int, Mapping[str, Measurement]]


class Judge:
    """Judges the trials of one study."""

    def __init__(self, config: Config, scribe: Scribe) -> None:
        self._config = config
        self._scribe = scribe
        self._first = config.objectives[0]

    def settle(self, trial: TrialRecord, outcome: TrialOutcome) -> Verdict | None:
        """Write an outcome's measurements and its verdict; None if that waits for a confirmation."""
        self._scribe.store.set_measurements(self._scribe.study_id, trial.number, outcome.measurements)
        verdict, reason = self._verdict(outcome)
        if verdict is not None:
            self._scribe.judge_trial(trial.number, verdict, reason)
        elif trial.role is Role.BASELINE:
            verdict = Verdict.BASELINE
            self._scribe.judge_trial(trial.number, verdict, "")
            if trial.parent is None:
                self._scribe.store.update_study(self._scribe.study_id, incumbent=trial.number)
        elif trial.role is Role.CONFIRM:
            verdict = Verdict.MEASURED
            self._scribe.judge_trial(trial.number, verdict, "")
        else:
            verdict = self._search(trial, outcome)
        if trial.role is Role.CONFIRM:
            self._decide(trial.subject)
        return verdict

    def close_open(self, reason: str) -> None:
        """Judge what still waits for a confirmation when the night ends: it was not confirmed."""
        for trial in self._scribe.trials():
            if trial.verdict is None and trial.ended_unix_ms is not None:
                self._scribe.judge_trial(trial.number, Verdict.DISCARD, f"not confirmed: {reason}")

    def floors(self) -> tuple[NoiseFloor, ...]:
        """Return the noise floor of each objective as of now."""
        trials, measured = self._scribe.trials(), self._measured()
        return tuple(self._floor(o.name, o.min_effect, trials, measured, None) for o in self._config.objectives)

    def ailment(self, outcome: TrialOutcome) -> str:
        """Say in what way a run went bad: it failed, or is worse than the base tree beyond the noise; empty if not."""
        verdict, reason = self._verdict(outcome)
        if verdict is not None:
            return reason or verdict.value if verdict in (Verdict.CRASH, Verdict.INFEASIBLE) else ""
        trials, measured = self._scribe.trials(), self._measured()
        base = self._fair_runs(0, trials, measured)
        floor = self._floor(self._first.name, self._first.min_effect, trials, measured, None)
        value = next((m.value for m in outcome.measurements if m.name == self._first.name), None)
        if value is None or not base or floor.threshold is None:
            return ""
        gain = gain_over(self._first.direction, value, fmean(base))
        return f"{self._first.name} is {value:g} against {fmean(base):g}" if gain < -floor.threshold else ""

    # One run

    def _verdict(self, outcome: TrialOutcome) -> tuple[Verdict | None, str]:
        """Judge a run by how it ended; None if it has a score."""
        if outcome.ending is not Ending.FINISHED:
            return VERDICTS[outcome.ending], outcome.reason
        # A quantity that the machine cannot observe (no GPU) is no fault of the run.
        reported = [m for m in outcome.measurements if m.trust is not Trust.OBSERVED]
        missing = [m for m in reported if m.value is None or not math.isfinite(m.value)]
        if missing:
            return Verdict.CRASH, f"no value of {missing[0].name}: {missing[0].source}"
        return None, ""

    def _search(self, trial: TrialRecord, outcome: TrialOutcome) -> Verdict | None:
        values = {m.name: m.value for m in outcome.measurements}
        broken = [c for c in self._config.constraints if (excess(c, values.get(c.name)) or 0.0) > 0.0]
        if broken:
            reason = f"{broken[0].name} is {values[broken[0].name]:g}, beyond its bound"
            return self._judge(trial, Verdict.DISCARD, reason)
        if self._is_like_parent(trial, outcome.measurements):
            whose = f"trial {trial.parent}'s run" if trial.parent else "the base tree's run"
            return self._judge(trial, Verdict.NO_EFFECT, f"digit for digit {whose} on the same seed")
        return self._screen(trial, values.get(self._first.name))

    def _is_like_parent(self, trial: TrialRecord, measurements: Iterable[Measurement]) -> bool:
        twin = self._parent_run(trial)
        mine = {m.name: m.value for m in measurements if m.trust is not Trust.OBSERVED}
        if twin is None or not mine or trial.run_seed is None:
            return False
        theirs = self._measured().get(twin, {})
        return all(name in theirs and theirs[name].value == value for name, value in mine.items())

    def _parent_run(self, trial: TrialRecord) -> int | None:
        """Return the run of the parent's tree on the trial's own seed."""
        trials = self._scribe.trials()
        if trial.parent:
            return next((t.number for t in trials if t.number == trial.parent and t.run_seed == trial.run_seed), None)
        baselines = (t for t in trials if t.role is Role.BASELINE and t.verdict is Verdict.BASELINE)
        return next((t.number for t in baselines if t.run_seed == trial.run_seed), None)

    def _screen(self, trial: TrialRecord, value: float | None) -> Verdict | None:
        trials, measured = self._scribe.trials(), self._measured()
        rival = self._scribe.study().incumbent or 0
        floor = self._floor(self._first.name, self._first.min_effect, trials, measured, None)
        decision = screen(
            self._first, value, self._fair_runs(rival, trials, measured), floor, self._config.budget.trials
        )
        if not decision.is_likely_winner:
            return self._judge(trial, Verdict.DISCARD, decision.reason, gain=decision.gain)
        if not confirm_seeds(self._config.noise, trial.number):
            return self._judge(trial, Verdict.DISCARD, f"{decision.reason}, but noise.confirm = 0", gain=decision.gain)
        self._scribe.await_confirmation(trial.number, decision.reason, gain=decision.gain)
        return None

    # Confirmations

    def _decide(self, subject: int | None) -> None:
        """Judge a likely winner once all of its confirmation runs are over."""
        assert subject is not None
        trials = self._scribe.trials()
        runs = [t for t in trials if t.role is Role.CONFIRM and t.subject == subject]
        seeds = confirm_seeds(self._config.noise, subject)
        failed = next((t for t in runs if t.parent == subject and t.verdict not in (None, Verdict.MEASURED)), None)
        trial = self._scribe.trial(subject)
        if trial.verdict is not None:
            return
        if failed is not None:
            self._judge(trial, Verdict.DISCARD, f"confirmation run {failed.number} failed: {failed.reason}")
        elif len(runs) == 2 * len(seeds) and all(t.verdict is not None for t in runs):
            self._confirm(trial, trials)
        else:
            self._refuse_early(trial, trials)

    def _refuse_early(self, trial: TrialRecord, trials: Sequence[TrialRecord]) -> None:
        """Spend no more on a likely winner whose fresh runs so far show no gain at all; that can only lose a keep."""
        measured = self._measured()
        fresh = self._fair_runs(trial.number, trials, measured)
        rival = self._fair_runs(self._scribe.study().incumbent or 0, trials, measured)
        if not fresh or not rival:
            return
        gain = gain_over(self._first.direction, fmean(fresh), fmean(rival))
        if gain <= 0.0:
            self._judge(trial, Verdict.DISCARD, f"fresh runs show no gain ({gain:.4g})", gain=gain)

    def _confirm(self, trial: TrialRecord, trials: Sequence[TrialRecord]) -> None:
        measured = self._measured()
        rival = self._scribe.study().incumbent or 0
        decision = confirm(
            self._first,
            self._fair_runs(trial.number, trials, measured),
            self._fair_runs(rival, trials, measured),
            self._floor(self._first.name, self._first.min_effect, trials, measured, trial.number),
            rate=confirm_rate(self._config.noise.false_keep_rate, self._refused_since_keep(trials)),
        )
        facts = {"gain": decision.gain, "gain_low": decision.low, "gain_high": decision.high}
        verdict = Verdict.KEEP if decision.keep else Verdict.DISCARD
        self._judge(trial, verdict, decision.reason, **facts)
        if decision.keep:
            self._scribe.store.update_study(self._scribe.study_id, incumbent=trial.number)
            self._rescreen()

    def _rescreen(self) -> None:
        """Hold what still waits against the new incumbent."""
        measured = self._measured()
        for trial in self._scribe.trials():
            if trial.verdict is None and trial.ended_unix_ms is not None:
                found = measured.get(trial.number, {}).get(self._first.name)
                self._screen(trial, found.value if found else None)

    def _refused_since_keep(self, trials: Sequence[TrialRecord]) -> int:
        """Count the likely winners that a confirmation refused since the last keep."""
        subjects = {t.subject for t in trials if t.role is Role.CONFIRM}
        judged = sorted(
            (t for t in trials if t.number in subjects and t.verdict is not None), key=lambda t: t.ended_unix_ms or 0
        )
        refused = 0
        for trial in judged:
            refused = 0 if trial.verdict is Verdict.KEEP else refused + 1
        return refused

    # Runs of one tree

    def _fair_runs(self, number: int, trials: Sequence[TrialRecord], measured: Measured) -> list[float]:
        """Return the values of a tree's runs that were not chosen for their luck: baselines and confirmations."""
        base = next((t.role is Role.BASELINE for t in trials if t.number == number), False)
        chosen = [
            t.number
            for t in trials
            if (t.role is Role.CONFIRM and t.parent == number and t.verdict is Verdict.MEASURED)
            or (base and t.role is Role.BASELINE and t.verdict is Verdict.BASELINE)
        ]
        return values_of(self._first.name, chosen, measured)

    def _floor(
        self,
        name: str,
        min_effect: float,
        trials: Sequence[TrialRecord],
        measured: Measured,
        without: int | None,
    ) -> NoiseFloor:
        baselines = [t.number for t in trials if t.role is Role.BASELINE and t.verdict is Verdict.BASELINE]
        others: dict[int, list[int]] = {}
        for t in trials:
            if t.role is Role.CONFIRM and t.verdict is Verdict.MEASURED and t.parent not in (None, without):
                others.setdefault(t.parent, []).append(t.number)
        roles = {t.number: t.role for t in trials}
        base = [n for parent in [*others] if roles[parent] is Role.BASELINE for n in others.pop(parent)]
        return noise_floor(
            name,
            values_of(name, [*baselines, *base], measured),
            [values_of(name, numbers, measured) for numbers in others.values()],
            planned_trials=self._config.budget.trials,
            has_seed=self._config.noise.seed.kind != "none",
            min_effect=min_effect,
        )

    def _measured(self) -> Measured:
        return self._scribe.store.measurements(self._scribe.study_id)

    def _judge(self, trial: TrialRecord, verdict: Verdict, reason: str, **facts: float | None) -> Verdict:
        self._scribe.judge_trial(trial.number, verdict, reason, **facts)
        return verdict


def values_of(name: str, numbers: Iterable[int], measured: Measured) -> list[float]:
    """Return one quantity's values over some trials, leaving out those without."""
    found = (measured.get(number, {}).get(name) for number in numbers)
    return [m.value for m in found if m is not None and m.value is not None]
