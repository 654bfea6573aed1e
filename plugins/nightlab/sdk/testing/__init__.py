"""Unit tests of actions on a dictionary of files, without a server; and a test class for a whole plugin.

applied = apply(set_rms_eps, {"config.yaml": "norm: layer"}, eps=1e-5)
assert applied.files["config.yaml"] == "norm: rms  # eps=1e-05"

A call goes the way that it goes in the server: arguments are checked against the schema, and only files that the
action reads are there.
"""

from nightlab.sdk.testing.calls import Applied, Rejected, apply, ask, check, observe
from nightlab.sdk.testing.case import PluginTestCase
from nightlab.sdk.testing.messages import BrokenCall, Files

__all__ = ["Applied", "BrokenCall", "Files", "PluginTestCase", "Rejected", "apply", "ask", "check", "observe"]
