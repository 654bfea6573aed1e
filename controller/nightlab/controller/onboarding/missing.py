"""Words an onboarding that failed: what was looked at, what came of it, and what to pass instead."""

from __future__ import annotations

from nightlab.controller.errors import OnboardingFailed
from nightlab.controller.model.tree import Tree
from nightlab.controller.onboarding.command import Candidate
from nightlab.controller.onboarding.findings import Wishes
from nightlab.controller.onboarding.metric import names_in
from nightlab.controller.onboarding.trying import Attempt, tail_of
from nightlab.controller.text import inert


def nothing_works(failed: list[Attempt], candidates: list[Candidate], wishes: Wishes) -> OnboardingFailed:
    """Say what each command came to, with its last lines, and what to pass."""
    lines = ["no command reached a score, so no config was written"]
    for attempt in failed:
        lines += [f"{attempt.candidate.text} ({attempt.candidate.reason}): {attempt.problem}", tail_of(attempt.sample)]
        names = names_in(attempt.sample.lines)[-12:] if attempt.sample.lines else []
        lines += [f"  numbers with a name that it printed: {inert(', '.join(names), 400)}"] if names else []
        lines += [f"  whole output: {attempt.sample.log}"]
    untried = [candidate.text for candidate in candidates[len(failed) :]]
    lines += [f"not tried: {'; '.join(untried)}"] if untried else []
    unscored = any("no number" in attempt.problem for attempt in failed)
    say_train = "" if wishes.train and unscored else "--train 'COMMAND' names the training command"
    say_metric = (
        "--metric 'REGEX' with one group around the number, and --direction, name what scores it" if unscored else ""
    )
    hint = "; ".join(each for each in (say_train, say_metric) if each)
    return OnboardingFailed("\n".join(lines), hint=hint)


def no_command(tree: Tree) -> OnboardingFailed:
    """Say where a training command was looked for."""
    paths = [entry.path for entry in tree.entries]
    scripts = [path for path in paths if path.endswith((".py", ".sh"))]
    notebooks = [path for path in paths if path.endswith(".ipynb")]
    looked = (
        "no training command was found: looked at the image's ENTRYPOINT and CMD, shell scripts, README, Makefile, "
        f"console scripts and {len(scripts)} Python and shell files"
    )
    if notebooks and not scripts:
        return OnboardingFailed(
            f"{looked}; the repo has notebooks only ({inert(', '.join(notebooks[:3]), 200)})",
            hint="turn one into a script: jupyter nbconvert --to script NOTEBOOK, then --train 'python3 SCRIPT'",
        )
    shown_scripts = f": {inert(', '.join(scripts[:8]), 300)}" if scripts else ""
    return OnboardingFailed(f"{looked}{shown_scripts}", hint="--train 'COMMAND' names it, such as 'python3 train.py'")
