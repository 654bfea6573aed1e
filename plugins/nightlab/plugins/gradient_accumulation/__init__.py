"""Runs each batch in parts whose gradients add up to those of the whole batch."""

from nightlab.plugins.gradient_accumulation.split import split
from nightlab.sdk import Plugin

PLUGIN = Plugin("gradient-accumulation", "0.1.0", (split,))

__all__ = ["PLUGIN"]
