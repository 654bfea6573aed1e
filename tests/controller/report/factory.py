"""Builds realistic studies for the report's tests: a good night, no gain, all crashed, empty, hostile, and big."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from nightlab.controller.model.change import (
    Drift,
    Effect,
    Explanation,
    Fact,
    FileChange,
    Fix,
    FixState,
    Where,
    Writer,
)
from nightlab.controller.model.score import Direction, NoiseFloor, Trust, Verdict
from nightlab.controller.model.trial import Ending, Finding, GateReport, Phase, Role, SmokeReport
from nightlab.controller.report.action_view import PluginView, TallyView
from nightlab.controller.report.gate_view import ProofView, QuarantineView
from nightlab.controller.report.view import (
    ActionView,
    ArgumentView,
    BaselineView,
    BestView,
    BoundView,
    ConstraintView,
    LedgerRow,
    ObjectiveView,
    ScoreView,
    StudyState,
    StudyView,
    TrialView,
)

START = 1_795_474_800.0  # Mon 23 Nov 2026, 23:00 UTC
GIB = 2**30
MIB = 2**20
IMAGE = "sha256:3f1c9a7be2d04c55a1f0b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f001"
POSTURE = {"level": "standard", "runtime": "runc", "network": "none", "user": "65532:65532"}
LOSS = ObjectiveView("val_bpb", Direction.MINIMIZE, "bits/byte", 0.002)
MEMORY_BOUND = ConstraintView("peak_memory", "bytes", max=3 * GIB)
FLOOR = NoiseFloor("val_bpb", 2.2714, 0.0031, 3, 0.0118)
BASE_ARGUMENTS = {"LR": 0.0003, "DEPTH": 4, "WARMUP": 0.1, "ACTIVATION": "gelu", "TIE_WEIGHTS": False}

OUTPUT = (
    "step 180 | train_loss 2.4130 | 41.2 ms/step\nstep 200 | train_loss 2.3981 | 41.0 ms/step\n"
    "saved checkpoint to out/model.pt\nval_bpb: {value}\n"
)
SOURCE = "last match of /val_bpb: (\\S+)/ in the output"


def digest(number: int, salt: str = "tree") -> str:
    """A hex digest that depends on nothing but its arguments."""
    return f"{random.Random(f'{salt}{number}').getrandbits(256):064x}"


def action(**after: object) -> ActionView:
    """The hyperparameter action with all of its arguments."""
    pairs = (ArgumentView(name, before, after.get(name, before)) for name, before in BASE_ARGUMENTS.items())
    return ActionView("hyperparameter", "hyperparameter", tuple(pairs))


def patch(trial_action: ActionView, path: str = "train.py") -> str:
    """A unified diff that makes the action's changes."""
    lines = [f"diff --git a/{path} b/{path}", "index 3f1c9a7..e2d04c5 100644", f"--- a/{path}", f"+++ b/{path}"]
    for at, change in enumerate(trial_action.changed):
        lines += [f"@@ -{12 + 9 * at},3 +{12 + 9 * at},3 @@ import torch", " # ---- what a run may tune ----"]
        lines += [f"-{change.name} = {change.before!r}", f"+{change.name} = {change.after!r}", " "]
    return "\n".join(lines) + "\n" if trial_action.changed else ""


def good_gate(number: int) -> GateReport:
    """A gate that let the tree pass."""
    return GateReport((), (), digest(number), digest(number), (), "py311", 3)


def run(
    number: int,
    verdict: Verdict,
    value: float | None,
    *,
    begin_s: float,
    train_s: float = 412.0,
    memory: float = 2.31,
    role: Role = Role.SEARCH,
    slot: int = 0,
    changes: dict[str, object] | None = None,
    **more: object,
) -> TrialView:
    """One ended trial; memory in GiB."""
    act = action(**(changes or {}))
    score = ScoreView(LOSS.name, value, Trust.REPORTED, SOURCE, None if value is None else 2.2714 - value, LOSS.unit)
    bound = BoundView("peak_memory", memory * GIB, Trust.OBSERVED, "sampled from the cgroup", "bytes", memory <= 3)
    is_search = role is Role.SEARCH
    made = TrialView(
        number=number,
        role=role,
        verdict=verdict,
        actions=(act,) if is_search else (),
        scores=(score,),
        bounds=(bound,),
        tree_digest=digest(number),
        commit_id=digest(number, "commit")[:40],
        image_id=IMAGE,
        posture=POSTURE,
        slot=slot,
        started_at_unix_s=START + begin_s,
        ended_at_unix_s=START + begin_s + train_s + 3.2,
        wall_s=train_s + 3.2,
        train_s=train_s,
        peak_memory_bytes=int(memory * GIB),
        kernel_peak_bytes=int(memory * GIB) + 401 * MIB,
        exit_code=0,
        run_seed=1337 + number,
        diff=patch(act) if is_search else "",
        log_excerpt=OUTPUT.format(value=value),
        gate=good_gate(number),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def study(trials: Sequence[TrialView], ledger: Sequence[LedgerRow], **more: object) -> StudyView:
    """A finished study of eight hours on two slots, unless told otherwise."""
    made = StudyView(
        id="k3v9",
        name="tinygpt",
        repo="/home/ada/tinygpt",
        state=StudyState.FINISHED,
        started_at_unix_s=START,
        now_unix_s=START + 6000,
        ended_at_unix_s=START + 6000,
        slots=2,
        config={"train": "python train.py --steps 200", "policy": "tpe, seed 0", "actions": "hyperparameter"},
        budget_trials=12,
        budget_wall_s=12 * 3600.0,
        base_digest=digest(0, "base"),
        head="5a2f2c3d9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a49",
        image_id=IMAGE,
        posture=POSTURE,
        objectives=(LOSS,),
        constraints=(MEMORY_BOUND,),
        floors=(FLOOR,),
        baseline=BaselineView({"val_bpb": 2.2714}, 3, int(2.31 * GIB), 412.0),
        ledger=tuple(ledger),
        trials=tuple(trials),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def baselines() -> list[TrialView]:
    """The unchanged repo on three seeds."""
    base = {"role": Role.BASELINE, "verdict": Verdict.BASELINE}
    return [
        run(0, value=2.2709, begin_s=20, slot=0, **base),
        run(1, value=2.2747, begin_s=24, slot=1, repeats=0, **base),
        run(2, value=2.2686, begin_s=440, slot=0, repeats=0, **base),
    ]


def good_night() -> StudyView:
    """A keep that was confirmed, with discards, a crash, an out-of-memory, a gate rejection and a lost container."""
    rejected = GateReport(
        (Finding("F821", "train.py", 41, 12, "Undefined name `WARMUP_STEPS`"),), (), digest(8), "", (), "py311", 3
    )
    trials = [
        *baselines(),
        run(3, Verdict.DISCARD, 2.2801, begin_s=445, slot=1, changes={"WARMUP": 0.02}, reason="worse by 0.0087"),
        run(4, Verdict.DISCARD, 2.2655, begin_s=862, slot=0, changes={"LR": 0.0004},
            reason="gain is below the noise floor"),
        run(5, Verdict.KEEP, 2.2188, begin_s=864, slot=1, changes={"LR": 0.0009, "ACTIVATION": "relu2"}, memory=2.02,
            reason="confirmed on 2 fresh seeds"),
        crash(6, 1284, "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x512 and 256x512)", {"DEPTH": 7}),
        run(7, Verdict.DISCARD, 2.2570, begin_s=1350, slot=0, changes={"TIE_WEIGHTS": True}, memory=1.72,
            reason="gain 0.0144, confirmed gain 0.0061 is below the noise floor"),
        replace(crash(8, 1768, "ruff: F821 Undefined name `WARMUP_STEPS` at train.py:41:12", {"WARMUP": 0.3}),
                verdict=Verdict.REJECTED, gate=rejected, exit_code=None, scores=(), bounds=(), train_s=0.0, wall_s=1.6,
                ended_at_unix_s=START + 1769.6, log_excerpt="", peak_memory_bytes=None, kernel_peak_bytes=None),
        run(9, Verdict.MEASURED, 2.2301, begin_s=1282, slot=1, role=Role.CONFIRM, repeats=5, memory=2.02),
        run(10, Verdict.MEASURED, 2.2226, begin_s=1772, slot=0, role=Role.CONFIRM, repeats=5, memory=2.02),
        replace(crash(11, 1702, "out of memory: the container reached its limit of 3.0 GiB", {"DEPTH": 12}),
                verdict=Verdict.INFEASIBLE, peak_memory_bytes=3 * GIB, exit_code=-9, slot=1),
        run(12, Verdict.DISCARD, 2.2246, begin_s=2194, slot=0, changes={"LR": 0.0012, "DEPTH": 5}, memory=2.71,
            train_s=540),
        run(13, Verdict.DISCARD, 9.8125, begin_s=1770, slot=1, changes={"LR": 0.03}, reason="diverged"),
        replace(crash(14, 2800, "the container was gone: the engine was restarted", {"LR": 0.0007}),
                verdict=Verdict.LOST, attempts=2),
        run(15, Verdict.DISCARD, 2.2419, begin_s=3900, slot=0, changes={"LR": 0.0006, "TIE_WEIGHTS": True}, memory=1.7),
        run(16, Verdict.NO_EFFECT, 2.2709, begin_s=3902, slot=1, changes={"ACTIVATION": "GELU"}, train_s=405),
        crash(17, 4320, "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x512 and 384x512)", {"DEPTH": 6}),
    ]  # fmt: skip
    best = BestView(
        5, 2.2238, 0.0476, 0.0371, 0.0581, 3, "gain 0.0476 on 3 runs of each, at most 5 % false keeps a night"
    )
    rows = fill_ledger(trials, slots=2, wall_s=6000)
    notes = (
        "23:00 the Docker engine has no user namespaces: isolation is standard",
        "23:47 the engine came back; trial 14 was run again",
    )
    return study(trials, rows, best=best, pareto=(5, 7, 15), is_dirty=True, notes=notes)


def crash(number: int, begin_s: float, reason: str, changes: dict[str, object]) -> TrialView:
    """A trial that ran for a minute and failed."""
    log = f'step 0\nTraceback (most recent call last):\n  File "/app/train.py", line 88, in <module>\n{reason}\n'
    made = run(number, Verdict.CRASH, None, begin_s=begin_s, train_s=58.0, changes=changes, reason=reason, memory=1.1)
    return replace(made, exit_code=1, log_excerpt=log)


def fill_ledger(trials: Sequence[TrialView], *, slots: int, wall_s: float) -> tuple[LedgerRow, ...]:
    """A ledger that sums to wall time x slots."""
    spent: dict[str, list[float]] = {}
    for trial in trials:
        category = "confirm" if trial.role is Role.CONFIRM else _category(trial.verdict)
        spent.setdefault(category, []).append(trial.train_s)
    overhead = sum(trial.wall_s - trial.train_s for trial in trials)
    rows = [LedgerRow(name, sum(parts), len(parts)) for name, parts in sorted(spent.items(), reverse=True)]
    used = sum(row.seconds for row in rows) + overhead
    return (*rows, LedgerRow("overhead", overhead), LedgerRow("idle", slots * wall_s - used))


def _category(verdict: Verdict | None) -> str:
    names = {v: v.value for v in (Verdict.CRASH, Verdict.INFEASIBLE, Verdict.VOID, Verdict.LOST, Verdict.PRUNED)}
    return names.get(verdict, "useful") if verdict is not None else "useful"


def no_gain() -> StudyView:
    """The best single run lies within the noise floor."""
    trials = [
        *baselines(),
        run(3, Verdict.DISCARD, 2.2801, begin_s=445, slot=1, changes={"WARMUP": 0.02}),
        run(4, Verdict.DISCARD, 2.2655, begin_s=862, slot=0, changes={"LR": 0.0004}),
    ]
    return study(
        trials, fill_ledger(trials, slots=2, wall_s=1400), now_unix_s=START + 1400, ended_at_unix_s=START + 1400
    )


def unknown_floor() -> StudyView:
    """No seed was found, so nothing may be kept."""
    view = no_gain()
    return replace(view, floors=(NoiseFloor("val_bpb", 2.2714, None, 1, None),))


def all_crashed() -> StudyView:
    """The baseline cannot run."""
    reason = "ModuleNotFoundError: No module named 'tiktoken'"
    trials = [replace(crash(n, 20 + 70 * n, reason, {}), role=Role.BASELINE, actions=(), diff="") for n in range(3)]
    return study(
        trials,
        fill_ledger(trials, slots=1, wall_s=260),
        slots=1,
        state=StudyState.STOPPED,
        state_reason="the baseline crashed 3 times with one signature",
        baseline=None,
        floors=(),
        now_unix_s=START + 260,
        ended_at_unix_s=START + 260,
    )


def empty() -> StudyView:
    """Stopped before anything ran."""
    return study([], [], state=StudyState.STOPPED, state_reason="stopped by ctrl-c", baseline=None, floors=(),
                 constraints=(), now_unix_s=START + 3, ended_at_unix_s=START + 3, posture={}, config={})  # fmt: skip


def running() -> StudyView:
    """In the middle of the night: one trial trains, one waits for its container."""
    view = no_gain()
    here = {
        "verdict": None,
        "ended_at_unix_s": None,
        "exit_code": None,
        "scores": (),
        "bounds": (),
        "wall_s": 0.0,
        "train_s": 0.0,
        "peak_memory_bytes": None,
        "kernel_peak_bytes": None,
        "log_excerpt": "step 40 | train_loss 3.1",
    }
    trains = replace(
        run(5, Verdict.DISCARD, None, begin_s=1290, slot=0, changes={"LR": 0.001}), phase=Phase.RUNNING, **here
    )
    waits = replace(trains, number=6, phase=Phase.PLANNED, started_at_unix_s=None, slot=None)
    return replace(view, state=StudyState.RUNNING, ended_at_unix_s=None, trials=(*view.trials, trains, waits))


def multi_objective() -> StudyView:
    """A quality that is maximized, and memory and time beside it."""
    objectives = (
        ObjectiveView("accuracy", Direction.MAXIMIZE, "%", 0.1),
        ObjectiveView("peak_memory", Direction.MINIMIZE, "bytes"),
        ObjectiveView("wall_time", Direction.MINIMIZE, "s"),
    )
    trials = []
    for number, (value, memory, seconds) in enumerate(
        [(71.2, 6.1, 61), (70.8, 6.1, 60), (73.9, 7.5, 66), (71.1, 4.0, 58), (72.3, 5.2, 75), (69.0, 3.1, 40)]
    ):
        role = Role.BASELINE if number < 2 else Role.SEARCH
        verdict = Verdict.BASELINE if number < 2 else Verdict.KEEP if number == 2 else Verdict.DISCARD
        scores = (
            ScoreView("accuracy", value, Trust.EVALUATED, "evaluator", value - 71.0, "%"),
            ScoreView("peak_memory", memory * GIB, Trust.OBSERVED, "cgroup", (6.1 - memory) * GIB, "bytes"),
            ScoreView("wall_time", float(seconds), Trust.OBSERVED, "host clock", 60.5 - seconds, "s"),
        )
        made = run(number, verdict, 0.0, begin_s=80.0 * number, train_s=float(seconds), memory=memory, role=role,
                   changes={"LR": 0.0003 * (number + 1)})  # fmt: skip
        trials.append(replace(made, scores=scores, bounds=(), peak_memory_bytes=int(memory * GIB)))
    floors = (NoiseFloor("accuracy", 71.0, 0.28, 2, 1.1), NoiseFloor("peak_memory", 6.1 * GIB, 0.0, 2, 0.0))
    base = BaselineView({"accuracy": 71.0, "peak_memory": 6.1 * GIB, "wall_time": 60.5}, 2, int(6.1 * GIB), 60.5)
    return study(trials, fill_ledger(trials, slots=1, wall_s=520), slots=1, objectives=objectives, constraints=(),
                 floors=floors, baseline=base, best=BestView(2, 73.6, 2.6, 1.4, 3.8, 3), pareto=(2, 3, 4, 5),
                 now_unix_s=START + 520, ended_at_unix_s=START + 520)  # fmt: skip


FLIP_DIFF = (
    "--- a/train.py\n+++ b/train.py\n@@ -38,7 +38,7 @@\n # Optimization\n STEPS = 500\n BATCH_SIZE = 8\n"
    "-SCALAR_LR = 0.5\n+SCALAR_LR = 0.3\n WARMUP = 0.1\n"
)


def flipped(where: Where = Where.SEALED, *, is_rolled_back: bool = True) -> Drift:
    """The story: a valid literal with another value, and nobody known who wrote it."""
    fact = Fact("train.py", 41, "`SCALAR_LR` 0.5 -> 0.3")
    change = FileChange("train.py", Effect.BEHAVIOUR, (fact,), FLIP_DIFF)
    return Drift(where, Explanation((change,), (Writer("", ("train.py",)),), (fact,)), is_rolled_back)


def linted() -> Drift:
    """A hook that removed an import that looked unused."""
    fact = Fact("train.py", 3, "import of `registry_models` removed")
    change = FileChange(
        "train.py", Effect.BEHAVIOUR, (fact,), "--- a/train.py\n+++ b/train.py\n@@ -3 +2,0 @@\n-import x\n"
    )
    writer = Writer("ruff check", ("train.py",), ("F401",), "safe")
    return Drift(Where.DRAFT, Explanation((change,), (writer,)), True)


def wanted_fix(state: FixState, effect: Effect, reason: str = "") -> Fix:
    """A fix that the user asked for."""
    fact = Fact("train.py", 88, "`best >= loss` became `min(...)`")
    return Fix("ruff:PLR1730", effect, state, (FileChange("train.py", effect, (fact,), ""),), reason)


def gated_night() -> StudyView:
    """The good night with a gate that had work: drifts, fixes, smoke runs, a quarantined rule, inherited findings."""
    view = good_night()
    had = (Finding("F841", "eval.py", 12, 5, "Local variable `x` is assigned to but never used"),)
    smoke = SmokeReport(Ending.FINISHED, "", 6.1, 4.2, 0, int(1.1 * GIB))
    bad = SmokeReport(Ending.FAILED, "KeyError: 'val'", 5.0, 3.1, 1, None, None, ("Traceback", "KeyError: 'val'"))
    held = wanted_fix(FixState.HELD_BACK, Effect.BEHAVIOUR, "NaN compares otherwise in min()")
    let = wanted_fix(FixState.LET_THROUGH, Effect.BEHAVIOUR, "no difference seen in 40 lines of 4 runs")
    more = {
        3: {"drifts": (flipped(),), "smoke": smoke, "inherited": had, "target_source": "the interpreter"},
        4: {"drifts": (linted(),), "fixes": (held,), "notes": ("this repo formats itself with pre-commit",)},
        5: {"fixes": (wanted_fix(FixState.APPLIED, Effect.SAME_PROGRAM),), "smoke": smoke},
        7: {"fixes": (let, held)},
        15: {"digest_inside": digest(99), "shadowing": ("out/json.py",)},
        17: {"smoke": bad, "digest_inside": ""},
    }
    trials = tuple(
        replace(trial, gate=replace(trial.gate, **more[trial.number])) if trial.number in more else trial
        for trial in view.trials
    )
    hunks = "--- a/train.py\n+++ b/train.py\n@@ -88 +88 @@\n-if best >= loss:\n+best = min(best, loss)\n"
    caught = QuarantineView("ruff:PLR1730", 12, "val_bpb 3.31 -> nan at line 40", hunks, 842.0)
    proofs = (
        ProofView(
            "ruff:PLR1730 in train.py", 12, True, True, "val_bpb 3.31 -> nan at line 40", ("ruff:PLR1730",), hunks, 5
        ),
        ProofView("ruff:UP006 in model.py", 5, True, False, "no difference seen in 40 lines of 4 runs", runs=4),
        ProofView("what was rolled back of trial 3", 3, False),
    )
    return replace(view, trials=trials, quarantined=(caught,), proofs=proofs)


def several_actions() -> StudyView:
    """The good night as one of four actions: two add up to the winner, one only fails, and its plugin is left out."""
    view = good_night()
    muon = ActionView("optimizer", "muon", (ArgumentView("lr", None, 0.02),), "Muon for the matrices of TinyGPT")
    trials = tuple(
        replace(trial, actions=(*trial.actions, muon)) if trial.verdict is Verdict.KEEP else trial
        for trial in view.trials
    )
    tallies = (
        TallyView("hyperparameter", "set_literals", 9, 1, 5, 0.0313, 1.378, 0.0313, 5280.0, 0.000356, {"keep": 1}),
        TallyView("optimizer", "muon", 3, 1, 4, 0.0163, 0.718, 0.0163, 1510.0, 0.000648, {"keep": 1, "discard": 2}),
        TallyView("schedule", "wsd", 2, outcomes={"rejected": 1, "duplicate": 1}),
        TallyView("rude", "crash", 3, container_s=64.0, gain_per_container_min=0.0, outcomes={"crash": 2, "void": 1}),
    )
    plugins = (
        PluginView("optimizer", "0.2.0"),
        PluginView("rude", "9.9", "sha256:" + digest(3), "broke 3 times within an hour and is left out for the night"),
    )
    return replace(view, trials=trials, tallies=tallies, plugins=plugins)


HOSTILE = (
    "\x1b[2J\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b]52;c;ZXZpbA==\x07\x9b31m\u202egnp.exe\u2066\u200b"
    "<script>alert(1)</script><img src=x onerror=alert(1)>[/foo][bold red]{{7*7}}{% raw %}${7*7}`a`|b|\n"
    "# heading\n![i](http://evil.example/i.png) [l](javascript:alert(1)) </pre></style>--><!-- "
    "=cmd|' /C calc'!A0 \ud800\x00"
)


def hostile() -> StudyView:
    """Every text that a repo, a plugin, a script or a branch can choose is an attack (acceptance B14)."""
    bad = HOSTILE
    finding = Finding(bad, bad, 1, 1, bad)
    fact = Fact(bad, 1, bad)
    change = FileChange(bad, Effect.BEHAVIOUR, (fact,), f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{bad}\n+{bad}2\n")
    writer = Writer(bad, (bad,), (bad,), bad, (bad,))
    drift = Drift(Where.SEALED, Explanation((change,), (writer, Writer("", (bad,))), (fact,), (bad,)), True)
    fix = Fix(bad, Effect.BEHAVIOUR, FixState.HELD_BACK, (change,), bad)
    smoke = SmokeReport(Ending.FAILED, bad, 1.0, 1.0, 1, None, None, (bad,))
    gate = GateReport(
        (finding,), (finding,), bad, bad + "x", (bad,), bad, 1, bad, (drift,), (bad,), smoke, (fix,), (bad,)
    )
    act = ActionView(bad, bad, (ArgumentView(bad, bad, bad + "2"), ArgumentView("n", math.nan, math.inf)), bad)
    trials = [
        replace(
            trial,
            reason=bad, signature=bad, actions=(act,), diff=f"diff --git a/x b/x\n@@ -1 +1 @@\n-{bad}\n+{bad}2\n{bad}",
            log_excerpt=bad, gate=gate, tree_digest=bad, commit_id=bad, image_id=bad, posture={bad: bad},
            scores=tuple(replace(score, source=bad, unit=bad) for score in trial.scores),
            bounds=tuple(replace(bound, name=bad, source=bad, unit=bad) for bound in trial.bounds),
        )
        for trial in good_night().trials
    ]  # fmt: skip
    best = BestView(5, 2.2, 0.05, 0.01, 0.09, 3, bad)
    return study(
        trials, fill_ledger(trials, slots=2, wall_s=6000), id=bad, name=bad, repo=bad, state_reason=bad, head=bad,
        config={bad: bad}, base_digest=bad, image_id=bad, posture={bad: bad}, best=best, notes=(bad, bad),
        objectives=(replace(LOSS, unit=bad),), constraints=(replace(MEMORY_BOUND, name=bad, unit=bad),),
        quarantined=(QuarantineView(bad, 5, bad, f"@@ -1 +1 @@\n-{bad}\n", 5.0),),
        proofs=(ProofView(bad, 5, True, True, bad, (bad,), bad, 3),),
        tallies=(TallyView(bad, bad, 3, 1, 5, 0.1, 2.0, 0.1, 60.0, 0.1, {bad: 1, "crash": 2}), TallyView(bad, "b", 1)),
        plugins=(PluginView(bad, bad, bad, bad),),
    )  # fmt: skip


def big(trials: int = 500) -> StudyView:
    """A long study whose trials each bring a large diff and log."""
    chance = random.Random(7)
    lines = "\n".join(f'+    value_{n} = compute({n}, scale={n * 3})  # <added> & "quoted"' for n in range(600))
    made = baselines()
    for number in range(3, trials):
        value = 2.2714 + chance.gauss(0.004, 0.02)
        verdict = chance.choice([Verdict.DISCARD] * 8 + [Verdict.CRASH])
        trial = run(number, verdict, value, begin_s=430.0 + 55 * (number // 2), train_s=100, slot=number % 2,
                    memory=chance.uniform(1.2, 2.9), changes={"LR": round(chance.uniform(1e-4, 2e-3), 6)})  # fmt: skip
        reason = f"ValueError: bad value {chance.random()}" if verdict is Verdict.CRASH else ""
        diff = f"diff --git a/train.py b/train.py\n@@ -1,1 +1,600 @@\n{lines}\n"
        made.append(replace(trial, diff=diff, log_excerpt=lines, reason=reason))
    wall_s = 430.0 + 55 * (trials // 2) + 120
    return study(
        made, fill_ledger(made, slots=2, wall_s=wall_s), now_unix_s=START + wall_s, ended_at_unix_s=START + wall_s
    )
