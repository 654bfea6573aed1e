from nightlab.controller.config.schema import Objective, Regex
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ActionCall
from nightlab.controller.search.allocation import ranked_candidates
from nightlab.controller.search.policy import Candidate, Past

LOSS = Objective(name="loss", measure=Regex(pattern="(.)"))


def actions(*names):
    return [Candidate("p", name, {"properties": {}}, "d") for name in names]


def first(candidates, history):
    return ranked_candidates(candidates, history, LOSS)[0].action


def play(candidates, worth, trials):
    """Run a night in which each action's trials gain what `worth` says, at its price in seconds."""
    history, loss = [Past(0, None, Verdict.BASELINE, {"loss": 100.0})], 100.0
    for number in range(1, trials + 1):
        name = first(candidates, history)
        gain, seconds = worth[name]
        loss -= gain
        call = ActionCall("p", name, {"n": number}, "d")
        history.append(Past(number, call, Verdict.DISCARD, {"loss": loss}, container_s=seconds))
    return [p.call.action for p in history[1:]]


def test_the_action_that_gains_most_per_container_minute_gets_most_trials():
    taken = play(actions("slow", "none", "fast"), {"slow": (1.0, 100.0), "none": (0.0, 10.0), "fast": (1.0, 10.0)}, 40)
    assert taken.count("fast") > 20
    assert taken.count("slow") >= 1
    assert taken.count("none") >= 1


def test_a_hundred_actions_do_not_use_up_a_short_night():
    names = [f"a{i}" for i in range(100)]
    taken = play(actions(*names), {name: (1.0 if name == "a0" else 0.0, 10.0) for name in names}, 16)
    assert taken.count("a0") >= 6
    assert set(taken) <= set(names[:5])


def test_crashes_count_as_trials_without_gain():
    history = [Past(0, None, Verdict.BASELINE, {"loss": 1.0})]
    history += [Past(n, ActionCall("p", "bad", {}, "d"), Verdict.CRASH, container_s=10.0) for n in range(1, 9)]
    assert first(actions("bad", "new"), history) == "new"
