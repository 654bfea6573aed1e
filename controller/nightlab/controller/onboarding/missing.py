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
        names = names_in(attempt.sample.lines)[-12:] if attempt.is_unscored else []
        lines += [f"  numbers with a name that it printed: {inert(', '.join(names), 400)}"] if names else []
        lines += [f"  whole output: {attempt.sample.log}"]
    untried = [candidate.text for candidate in candidates[len(failed) :]]
    lines += [f"not tried: {'; '.join(untried)}"] if untried else []
    return OnboardingFailed("\n".join(line for line in lines if line), hint=_way_out(failed, wishes))


def _way_out(failed: list[Attempt], wishes: Wishes) -> str:
    """Say what to do next: a command that crashed has to run first, one that printed no score needs to be told of."""
    hints = []
    if any(not attempt.is_unscored for attempt in failed):
        hints.append("make the command run to its end in the image, as its last lines above say what it lacks")
    if any(attempt.is_unscored for attempt in failed):
        hints.append(
            "print the score at the end, as in `val_loss: 0.123`, or name what scores it: --metric 'REGEX' with one "
            "group around the number, and --direction"
        )
    hints += [] if wishes.train else ["--train 'COMMAND' names another training command"]
    return "; ".join(hints)


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
