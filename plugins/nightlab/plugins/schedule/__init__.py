"""Gives a training script a learning-rate schedule: warm-up, then cosine, linear, constant, or stable and decay.

`progress` finds how far a run is at the optimizer's step, `existing` what sets the rate now, `code` writes the
schedule's function, `place` puts it together, `actions` is the move.
"""

from nightlab.plugins.schedule.actions import SetSchedule
from nightlab.sdk import Plugin

PLUGIN = Plugin("schedule", "0.1.0", (SetSchedule(),))

__all__ = ["PLUGIN"]
