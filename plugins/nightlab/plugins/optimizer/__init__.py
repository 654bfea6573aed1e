"""Swaps the optimizer of a training script for another one, with a learning rate and weight decay that match it.

`actions` are the moves, `targets` says which optimizers fit and what they are called with, `naming` edits the class's
name and imports, `swap` puts it together.
"""

from nightlab.plugins.optimizer.actions import Shrink, Swap
from nightlab.sdk import Plugin

PLUGIN = Plugin("optimizer", "0.1.0", (Swap(), Shrink()))

__all__ = ["PLUGIN"]
