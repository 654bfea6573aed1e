"""A night with a gate: wanted fixes, smoke runs and proofs decide as they should. Real parts, computed runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.controller.study.gate_parts import (
    SAME,
    SCRIPT,
    TWISTED,
    ComputedExaminer,
    ComputedSmoker,
    Found,
    TwoFixes,
    no_difference,
    passed,
    twisted,
)
from tests.controller.study.rehearsal import Literals, Rehearsal, Score, bowl, config, failed, finished, rehearse

from nightlab.controller.errors import EngineError, StudyStopped
from nightlab.controller.model.change import Drift, Effect, Explanation, Fact, FileChange, FixState, Where, Writer
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.tree import Entry
from nightlab.controller.model.trial import ActionCall, Ending, GateReport, Role, SmokeReport, TrialOutcome
from nightlab.controller.search.policy import Proposal
from nightlab.controller.store import ProofKind, ProofState, Store, TrialRecord, open_reader
from nightlab.controller.study.edits import Edited
from nightlab.controller.study.past import past_of
from nightlab.controller.study.prover import Case

GATE = {"lint": {"fix": "all"}, "smoke": {"enabled": True}}


def settings(trials: int = 4, **tables: Any) -> Any:
    return config(**{"budget": {"trials": trials}, **GATE, **tables})


async def gated(directory: Path, score: Score, examiner: ComputedExaminer | None, **facts: Any) -> Rehearsal:
    given = {"script": SCRIPT, "maker": TwoFixes(), "smoker": ComputedSmoker(), **facts}
    chosen = given.pop("settings", None) or settings()
    return await rehearse(directory, chosen, score, examiner=examiner, **given)


def searched(night: Rehearsal) -> list[TrialRecord]:
    return [t for t in night.trials if t.role is Role.SEARCH and t.tree_digest]


def states(trial: TrialRecord) -> dict[str, FixState]:
    return {fix.author: fix.state for fix in trial.fixes}


def spoilt_by_mode(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that the second fix breaks, from the first search trial on."""
    if literals["MODE"] == 2:
        return failed(reason="exit code 1: ValueError: mode 2")
    return finished(1.0 + (seed or 0) / 1000 + abs(literals["LEARNING_RATE"] - 1e-3))


# Fixes


async def test_a_fix_that_leaves_the_program_as_it_is_is_an_edit_of_its_own(tmp_path: Path) -> None:
    night = await gated(tmp_path, bowl(noise=0.01), None)
    await night.night.run()
    trial = searched(night)[0]
    edits = night.scribe.store.edits("r", trial.number)
    tree = night.scribe.store.tree(trial.run_digest or "")
    text = night.runner.blobs.read(tree.by_path["train.py"].sha256, 1 << 20)
    log = night.history.edits(edits[-1].commit_id)
    gate = night.scribe.store.attempts("r", trial.number)[0].gate
    await night.close()
    assert [edit.author for edit in edits] == ["action:hyperparameter/set_literals", SAME] or [
        edit.author for edit in edits
    ][1:] == [SAME]
    assert b"STYLE = 10\n" in text
    assert edits[-1].tree_digest == trial.tree_digest
    assert [edit.author for edit in log][-2:] == [edits[0].author, SAME]
    assert gate is not None
    assert gate.fixes == trial.fixes


async def test_a_fix_that_may_change_behaviour_is_held_back_and_says_why(tmp_path: Path) -> None:
    night = await gated(tmp_path, bowl(noise=0.01), None, settings=settings(smoke={"enabled": False}))
    await night.night.run()
    trial = searched(night)[0]
    text = night.runner.blobs.read(night.scribe.store.tree(trial.run_digest or "").by_path["train.py"].sha256, 1 << 20)
    await night.close()
    assert states(trial) == {SAME: FixState.APPLIED, TWISTED: FixState.HELD_BACK}
    assert b"MODE = 1" in text
    assert "its value is used; without [smoke] nothing can show" in trial.fixes[-1].reason


async def test_no_fix_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    maker = TwoFixes()
    night = await gated(tmp_path, bowl(noise=0.01), None, settings=settings(lint={}), maker=maker)
    await night.run()
    assert maker.orders == []


async def test_protected_files_are_not_fixed(tmp_path: Path) -> None:
    train = {"command": "python train.py", "protected": ["train.py"]}
    maker = TwoFixes()
    night = await gated(tmp_path, bowl(), None, settings=settings(train=train), maker=maker)
    await night.run()
    assert maker.orders == []


async def test_a_fix_that_shows_no_difference_is_let_through_for_later_trials(tmp_path: Path) -> None:
    examiner = ComputedExaminer(no_difference)
    night = await gated(tmp_path, bowl(noise=0.01), examiner)
    await night.night.run()
    trials = searched(night)
    proofs = night.redress.prover.proofs()
    notes = [event.text for event in night.scribe.store.events("r")]
    await night.close()
    assert [(p.kind, p.state, p.trial) for p in proofs] == [(ProofKind.FIX, ProofState.SETTLED, 0)]
    assert {states(t)[TWISTED] for t in trials} == {FixState.LET_THROUGH}
    assert all("no difference seen in 40 lines of 3 runs" in t.fixes[-1].reason for t in trials)
    assert any(text.startswith(f"{TWISTED}: let through from now on") for text in notes)
    assert not any("equivalent" in text for text in notes)


async def test_a_fix_that_makes_a_difference_stays_out_with_what_was_seen(tmp_path: Path) -> None:
    examiner = ComputedExaminer(twisted)
    night = await gated(tmp_path, bowl(noise=0.01), examiner)
    await night.night.run()
    trials = searched(night)
    await night.close()
    assert len(examiner.cases) == 1  # not asked again for every trial
    assert {states(t)[TWISTED] for t in trials} == {FixState.HELD_BACK}
    assert "loss 0.5 -> nan at line 4" in trials[-1].fixes[-1].reason


async def test_proofs_delay_no_launch(tmp_path: Path) -> None:
    examiner = ComputedExaminer(no_difference, go_on=asyncio.Event())
    night = await gated(tmp_path, bowl(noise=0.01), examiner, grace_s=0.0)
    await night.night.run()
    verdicts = [t.verdict for t in searched(night)]
    proof = night.redress.prover.proofs()[0]
    await night.close()
    assert len(verdicts) >= 4
    assert None not in verdicts
    assert proof.state is ProofState.CLOSED
    assert proof.evidence == "the night ended first"
    assert examiner.cancelled == 1


# A let-through fix that turns bad


def lets_through_then_blames(case: Case) -> Found:
    return twisted(case) if case.record.kind is ProofKind.TRIAL else no_difference(case)


async def test_a_guilty_fix_is_taken_back_quarantined_and_its_trial_runs_again(tmp_path: Path) -> None:
    night = await gated(tmp_path, spoilt_by_mode, ComputedExaminer(lets_through_then_blames))
    await night.night.run()
    trials = searched(night)
    first = next(t for t in trials if len(night.scribe.store.attempts("r", t.number)) == 2)
    attempts = night.scribe.store.attempts("r", first.number)
    edits = night.scribe.store.edits("r", first.number)
    quarantined = night.scribe.store.quarantined()
    everything = night.scribe.store.attempts("r")
    notes = night.views.study("r").notes
    await night.close()
    assert [a.ending for a in attempts] == [Ending.FAILED, Ending.FINISHED]
    assert "mode 2" in attempts[0].reason
    assert first.verdict in (Verdict.DISCARD, Verdict.KEEP)
    assert edits[-1].author == "nightlab"
    assert edits[-1].tree_digest == first.tree_digest
    assert [q.author for q in quarantined] == [TWISTED]
    spoilt = [a for a in everything if a.gate and any(f.state is FixState.LET_THROUGH for f in a.gate.fixes)]
    assert quarantined[0].lost_s == pytest.approx(sum(a.usage.wall_s for a in spoilt if a.usage))
    assert states(first) == {SAME: FixState.APPLIED, TWISTED: FixState.HELD_BACK}
    later = [t for t in trials if t.number > first.number]
    assert later
    assert all(t.verdict is not Verdict.CRASH for t in later)
    assert all(states(t).get(TWISTED) is not FixState.LET_THROUGH for t in trials)
    told = [note for note in notes if "caught, reverted and quarantined" in note]
    assert len(told) == 1
    assert "loss 0.5 -> nan at line 4" in told[0]
    assert "lost; the trial runs again" in told[0]


async def test_trials_that_ran_beside_the_caught_one_run_again_too(tmp_path: Path) -> None:
    night = await gated(
        tmp_path, spoilt_by_mode, ComputedExaminer(lets_through_then_blames), settings=settings(trials=6), slots=3
    )
    await night.night.run()
    trials = searched(night)
    attempts = {t.number: night.scribe.store.attempts("r", t.number) for t in trials}
    blamed = [p for p in night.redress.prover.proofs() if p.kind is ProofKind.TRIAL and p.differs]
    lost_s = night.scribe.store.quarantined()[0].lost_s
    await night.close()
    spoilt = [number for number, tried in attempts.items() if tried[0].ending is Ending.FAILED]
    assert len(spoilt) > 1
    assert len(blamed) == 1  # once is enough
    assert all([a.ending for a in attempts[n]] == [Ending.FAILED, Ending.FINISHED] for n in spoilt)
    assert lost_s == pytest.approx(sum(attempts[n][0].usage.wall_s for n in spoilt))
    assert Verdict.CRASH not in {t.verdict for t in trials}


async def test_the_quarantine_outlives_the_study(tmp_path: Path) -> None:
    night = await gated(tmp_path, spoilt_by_mode, ComputedExaminer(lets_through_then_blames))
    await night.run()
    maker = TwoFixes()
    second = await gated(tmp_path, spoilt_by_mode, ComputedExaminer(no_difference), maker=maker, study_id="s")
    await second.run()
    assert all(TWISTED in order.refused for order in maker.orders)


async def test_a_trial_that_got_worse_by_itself_keeps_its_verdict(tmp_path: Path) -> None:
    def worse(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        return finished(1.0 + (seed or 0) / 1000 + (5.0 if literals["MODE"] == 2 else 0.0) + number / 1e6)

    examiner = ComputedExaminer(no_difference)
    night = await gated(tmp_path, worse, examiner)
    await night.run()
    trials = searched(night)
    about_trials = [case.record for case in examiner.cases if case.record.kind is ProofKind.TRIAL]
    assert {record.trial for record in about_trials} == {t.number for t in trials}
    assert {t.verdict for t in trials} == {Verdict.DISCARD}


async def test_the_night_goes_on_while_a_trial_waits_for_its_proof(tmp_path: Path) -> None:
    examiner = ComputedExaminer(lets_through_then_blames)
    waited: dict[int, list[int]] = {}

    def score(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        held = night.scribe.held()
        for other in held - {number}:
            waited.setdefault(other, []).append(number)
            if examiner.go_on is not None:
                examiner.go_on.set()
        if literals["MODE"] == 2 and not held:
            examiner.go_on = asyncio.Event()
        return spoilt_by_mode(literals, seed, number)

    night = await gated(tmp_path, score, examiner)
    await night.run()
    assert waited
    assert all(t.verdict is not None for t in searched(night))


async def test_a_proof_that_the_night_ends_leaves_the_verdict_of_the_run(tmp_path: Path) -> None:
    def undecided(case: Case) -> Found:
        if case.record.kind is ProofKind.TRIAL:
            examiner.go_on = asyncio.Event()
        return no_difference(case)

    examiner = ComputedExaminer(undecided)

    def score(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        if literals["MODE"] == 2:
            examiner.go_on = asyncio.Event()
        return spoilt_by_mode(literals, seed, number)

    night = await gated(tmp_path, score, examiner, settings=settings(trials=1), grace_s=0.0)
    await night.night.run()
    trial = searched(night)[0]
    notes = [event.text for event in night.scribe.store.events("r")]
    await night.close()
    assert trial.verdict is Verdict.CRASH
    assert f"not proven, the night ended first: trial {trial.number}" in notes


async def test_a_kill_between_a_proofs_intent_and_its_result_begins_it_again(tmp_path: Path) -> None:
    first_examiner = ComputedExaminer(no_difference, go_on=asyncio.Event())
    first = await gated(tmp_path, bowl(noise=0.01), first_examiner)
    task = asyncio.create_task(first.night.run())
    await first_examiner.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await first.close()
    second_examiner = ComputedExaminer(no_difference)
    second = await gated(tmp_path, bowl(noise=0.01), second_examiner)
    await second.night.run()
    proofs = second.redress.prover.proofs()
    await second.close()
    assert [case.record.number for case in second_examiner.cases] == [first_examiner.cases[0].record.number]
    assert [proof.state for proof in proofs] == [ProofState.SETTLED]


async def test_a_kill_between_a_result_and_what_follows_loses_nothing(tmp_path: Path) -> None:
    first = await gated(tmp_path, spoilt_by_mode, ComputedExaminer(lets_through_then_blames))
    follow, seen = first.redress._follow, []

    async def dies(record: Any) -> None:
        await follow(record)
        if record.kind is ProofKind.TRIAL:
            seen.append(record)
            raise RuntimeError("killed")

    first.redress._follow = dies  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="killed"):
        await first.run()
    second = await gated(tmp_path, spoilt_by_mode, ComputedExaminer(lets_through_then_blames))
    await second.night.run()
    trial = second.scribe.trial(seen[0].trial)
    edits = second.scribe.store.edits("r", trial.number)
    await second.close()
    assert trial.verdict in (Verdict.DISCARD, Verdict.KEEP)
    assert [edit.author for edit in edits].count("nightlab") == 1


async def test_a_machine_that_fails_during_proofs_is_no_difference(tmp_path: Path) -> None:
    def breaks(case: Case) -> Found:
        raise EngineError("the engine went away")

    examiner = ComputedExaminer(breaks)
    night = await gated(tmp_path, bowl(noise=0.01), examiner)
    await night.run()
    assert [p.state for p in Store(open_reader(night.scribe.state.root)).proofs("r")] == [ProofState.CLOSED]
    assert len(examiner.cases) == 2


# Smoke runs


def smoke(**endings: SmokeReport) -> ComputedSmoker:
    return ComputedSmoker(lambda name: endings.get(name.split("-")[0], passed()))


async def test_each_new_tree_is_smoked_once_before_its_launch(tmp_path: Path) -> None:
    smoker = smoke()
    night = await gated(tmp_path, bowl(noise=0.001), None, settings=settings(trials=8, lint={}), smoker=smoker)
    await night.night.run()
    numbers = [int(name.split("-")[0][1:]) for name in smoker.ran]
    ran = {t.number for t in searched(night) if t.verdict is not Verdict.DUPLICATE}
    ledger = {row.category: row.seconds for row in night.views.study("r").ledger}
    await night.close()
    assert sorted(numbers) == sorted({0} | ran)
    assert ledger["smoke"] == pytest.approx(0.25 * len(numbers))


async def test_a_failed_smoke_run_is_a_cheap_crash_that_its_author_hears_of(tmp_path: Path) -> None:
    report = SmokeReport(
        Ending.FAILED, "exit code 1: TypeError: no", wall_s=0.3, run_s=0.2, exit_code=1, tail=("step 1", "boom")
    )
    night = await gated(tmp_path, bowl(noise=0.01), None, settings=settings(lint={}), smoker=smoke(t3=report))
    heard: list[tuple[str, ...]] = []
    policy = night.night._agenda._proposer._policy
    propose = policy.propose

    def listens(candidates: Any, history: Any, number: int) -> Any:
        heard.extend(past.notices for past in history if past.number == 3)
        return propose(candidates, history, number)

    policy.propose = listens  # type: ignore[method-assign]
    await night.night.run()
    trial = night.scribe.trial(3)
    attempt = night.scribe.store.attempts("r", 3)[0]
    await night.close()
    assert trial.verdict is Verdict.CRASH
    assert trial.reason == "smoke run: exit code 1: TypeError: no"
    assert 3 not in night.runner.ran
    assert attempt.usage is not None
    assert attempt.usage.wall_s == pytest.approx(0.3)
    assert heard
    assert heard[-1] == ("smoke run: exit code 1: TypeError: no", "step 1", "boom")


async def test_a_smoke_run_out_of_memory_is_infeasible(tmp_path: Path) -> None:
    report = SmokeReport(Ending.OUT_OF_MEMORY, "the kernel killed it", wall_s=0.3)
    night = await gated(tmp_path, bowl(noise=0.01), None, settings=settings(lint={}), smoker=smoke(t3=report))
    await night.run()
    assert Store(open_reader(night.scribe.state.root)).trial("r", 3).verdict is Verdict.INFEASIBLE


async def test_a_smoke_peak_beyond_a_memory_constraint_needs_no_full_run(tmp_path: Path) -> None:
    memory = {"name": "memory", "measure": {"source": "observed", "quantity": "peak_memory"}, "max": 2e8}
    chosen = settings(lint={}, constraints=[memory])
    night = await gated(tmp_path, bowl(noise=0.01), None, settings=chosen, smoker=smoke(t3=passed(3 * 10**8)))
    await night.night.run()
    trial = night.scribe.trial(3)
    found = night.scribe.store.measurements("r")[3]["memory"]
    await night.close()
    assert trial.verdict is Verdict.INFEASIBLE
    assert "smoke run: memory of" in trial.reason
    assert 3 not in night.runner.ran
    assert found.value == 3e8


async def test_a_smoke_peak_beyond_train_memory_is_infeasible(tmp_path: Path) -> None:
    night = await gated(tmp_path, bowl(), None, settings=settings(lint={}), smoker=smoke(t3=passed(10**15)))
    await night.run()
    trial = Store(open_reader(night.scribe.state.root)).trial("r", 3)
    assert trial.verdict is Verdict.INFEASIBLE
    assert "train.memory" in trial.reason


async def test_a_baseline_that_fails_its_smoke_run_stops_the_night_before_it_is_trained(tmp_path: Path) -> None:
    broken = ComputedSmoker(lambda _: SmokeReport(Ending.FAILED, "exit code 1: no data", wall_s=0.1))
    night = await gated(tmp_path, bowl(), None, settings=settings(lint={}), smoker=broken)
    with pytest.raises(StudyStopped, match=r"baseline does not run.*smoke run: exit code 1: no data"):
        await night.run()
    assert night.runner.ran == []


async def test_a_void_trial_is_told_as_what_happened_and_never_as_a_result(tmp_path: Path) -> None:
    def score(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        good = finished(0.1 if number == 4 else 1.0 + (seed or 0) / 1000 + number / 1e6)
        return (
            replace(good, ending=Ending.NOT_AS_SEALED, reason="train.py changed while it ran") if number == 4 else good
        )

    night = await gated(tmp_path, score, None, settings=settings(lint={}))
    told: list[Any] = []
    policy = night.night._agenda._proposer._policy
    propose = policy.propose

    def listens(candidates: Any, history: Any, number: int) -> Any:
        told.extend(past for past in history if past.number == 4 and past.verdict is Verdict.VOID)
        return propose(candidates, history, number)

    policy.propose = listens  # type: ignore[method-assign]
    await night.run()
    assert told
    assert all(past.values == {} and past.constraint_excess == {} for past in told)


# Drifts


async def test_what_was_rolled_back_is_told_kept_for_a_person_and_looked_into(tmp_path: Path) -> None:
    def flipped(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        good = finished(1.0 + (seed or 0) / 1000 + number / 1e6)
        if number != 3:
            return good
        text = SCRIPT.replace("LEARNING_RATE = 1e-3", "LEARNING_RATE = 0.3").encode()
        entry = Entry("train.py", 0o100644, len(text), night.runner.blobs.put(text))
        fact = Fact("train.py", 4, "`LEARNING_RATE` 0.001 -> 0.3")
        change = FileChange("train.py", Effect.BEHAVIOUR, (fact,))
        told = Explanation((change,), (Writer("", ("train.py",)),), (fact,))
        return replace(good, gate=GateReport(drifts=(Drift(Where.SEALED, told, True, (entry,)),)))

    examiner = ComputedExaminer(lambda case: Found(True, ("unknown",), "loss 1.0 -> 7.0"))
    night = await gated(tmp_path, flipped, examiner, settings=settings(lint={}))
    await night.night.run()
    events = [event for event in night.scribe.store.events("r") if event.number == 3]
    ref = night.scribe.state.history / events[0].facts["ref"]
    commit = ref.read_text().strip()
    proposed = night.scribe.store.edits("r", 3)[-1].commit_id
    diff = night.history.diff(proposed, commit)
    author = night.history.edits(commit)[-1].author
    proofs = night.redress.prover.proofs()
    verdict = night.scribe.trial(3).verdict
    heard = past_of(night.judge._config, night.scribe, night.trials)[3].notices
    await night.close()
    assert "LEARNING_RATE` 0.001 -> 0.3, train.py:4, after the seal, by unknown: rolled back" in events[0].text
    assert "+LEARNING_RATE = 0.3" in diff
    assert author == "unknown"
    assert [(p.kind, p.trial, p.state) for p in proofs] == [(ProofKind.DRIFT, 3, ProofState.SETTLED)]
    assert "would have changed what it does: loss 1.0 -> 7.0" in events[-1].text
    assert verdict is Verdict.DISCARD
    assert any("`LEARNING_RATE` 0.001 -> 0.3" in line for line in heard)


# Duplicates


class Numbered:
    """A policy whose proposals differ in nothing but their number."""

    def propose(self, candidates: Any, history: Any, number: int) -> Proposal:
        tune = candidates[0]
        arguments = {**tune.defaults, "n": number}
        return Proposal(ActionCall(tune.plugin, tune.action, arguments, tune.schema_digest), "again")


async def writing(night: Rehearsal, texts: list[str]) -> None:
    """Let the trials, from number 3 on, be these scripts; the last one for all that follow."""
    proposer = night.night._agenda._proposer
    base, editor = proposer._base, proposer._editor

    async def apply(call: ActionCall, tree: Any, *, request_id: str, seed: int) -> Edited:
        text = texts[min(int(str(call.arguments["n"])) - 3, len(texts) - 1)]
        return Edited(editor.with_files(base, {"train.py": text.encode()}), "written anew")

    editor.apply = apply  # type: ignore[method-assign]


async def test_a_tree_that_differs_in_comments_and_format_only_is_a_duplicate(tmp_path: Path) -> None:
    night = await gated(tmp_path, bowl(noise=0.01), None, settings=settings(trials=2, lint={}), policy=Numbered())
    await writing(
        night,
        [
            SCRIPT.replace("WEIGHT_DECAY = 0.1", "WEIGHT_DECAY = 0.2"),
            SCRIPT.replace("WEIGHT_DECAY = 0.1", "WEIGHT_DECAY = 2e-1  # the same"),
            SCRIPT.replace("def main():", "# nothing new\ndef main( ):"),
            SCRIPT.replace("WEIGHT_DECAY = 0.1", "WEIGHT_DECAY = 0.25"),
        ],
    )
    await night.night.run()
    found = [(t.verdict, t.reason) for t in searched(night)]
    ran = night.runner.ran
    await night.close()
    assert found[0][0] is not Verdict.DUPLICATE
    assert found[1] == (Verdict.DUPLICATE, "the same program, comments and format aside, as trial 3")
    assert found[2] == (Verdict.DUPLICATE, "the same program, comments and format aside, as trial 0")
    assert found[3][0] is not Verdict.DUPLICATE
    assert not {4, 5} & set(ran)


async def test_a_tree_that_the_machine_lost_may_be_tried_once_more(tmp_path: Path) -> None:
    def lost(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        return finished(1.0 + (seed or 0) / 1000) if number < 3 else failed(Ending.LOST, "the engine went away")

    night = await gated(tmp_path, lost, None, settings=settings(trials=2, lint={}), policy=Numbered())
    await writing(night, [SCRIPT.replace("WEIGHT_DECAY = 0.1", "WEIGHT_DECAY = 0.2")])
    await night.night.run()
    verdicts = [t.verdict for t in searched(night)]
    await night.close()
    assert verdicts == [Verdict.LOST, Verdict.LOST]
