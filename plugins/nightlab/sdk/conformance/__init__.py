"""The conformance kit: asks a plugin, over its socket only, whether it keeps nightlab.api.plugin.v1.

    python -m nightlab.sdk.conformance -- node plugin.js

It needs no test framework and no language of the plugin; `nightlab plugin check` is the same with images.
"""

from nightlab.sdk.conformance.budget import Budget
from nightlab.sdk.conformance.command import CommandTarget
from nightlab.sdk.conformance.kit import expected_failures, verdicts
from nightlab.sdk.conformance.table import CHECKS, VERSIONS, Check, required
from nightlab.sdk.conformance.target import Target
from nightlab.sdk.conformance.verdict import BAD, Verdict, closing_line

__all__ = [
    "BAD",
    "CHECKS",
    "VERSIONS",
    "Budget",
    "Check",
    "CommandTarget",
    "Target",
    "Verdict",
    "closing_line",
    "expected_failures",
    "required",
    "verdicts",
]
