"""Recomputes activations of a model's blocks in the backward pass instead of keeping them."""

from nightlab.plugins.activation_checkpointing.checkpoint import checkpoint
from nightlab.sdk import Plugin

PLUGIN = Plugin("activation-checkpointing", "0.1.0", (checkpoint,))

__all__ = ["PLUGIN"]
