"""Runs the forward pass in lower precision where the script does not choose one itself."""

from nightlab.plugins.precision.autocast import autocast
from nightlab.sdk import Plugin

PLUGIN = Plugin("precision", "0.1.0", (autocast,))

__all__ = ["PLUGIN"]
