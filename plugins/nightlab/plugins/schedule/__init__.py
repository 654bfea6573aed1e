"""Gives a training script a learning-rate schedule: warm-up, then cosine, linear, constant, or stable and decay.

`passes` reads one loop, `progress` finds how far a run is at the step, `existing` what sets the rate,
`code` writes the function, `place` puts it in, `actions` is the move.
"""

from nightlab.plugins.schedule.actions import set_schedule
from nightlab.sdk import Plugin

PLUGIN = Plugin("schedule", "0.1.0", (set_schedule,))

__all__ = ["PLUGIN"]
