"""Unit tests of actions on a dictionary of files, without a server; and a test class for a whole plugin.

applied = apply(set_rms_eps, {"config.yaml": "norm: layer"}, eps=1e-5)
assert applied.files["config.yaml"] == "norm: rms  # eps=1e-05"

A call goes the way that it goes in the server: arguments are checked against the schema, and only files that the
action reads are there. `PluginTestCase` needs pytest and is imported only when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nightlab.sdk.testing.calls import Applied, Files, Rejected, apply, ask, check, observe

if TYPE_CHECKING:
    from nightlab.sdk.testing.case import PluginTestCase as PluginTestCase

__all__ = ["Applied", "Files", "PluginTestCase", "Rejected", "apply", "ask", "check", "observe"]


def __getattr__(name: str) -> Any:
    if name != "PluginTestCase":
        raise AttributeError(f"nightlab.sdk.testing has no {name}")
    from nightlab.sdk.testing.case import PluginTestCase

    return PluginTestCase
