"""Finds the tunable literals of any training script and changes them; frozen ones never.

`reach` says which files count, `python_scan` and `config_scan` find literals, `evidence` how the code uses them,
`judge` decides (by `families` and `ranges`), `rewrite` edits, `actions` are the two search moves.
"""

from nightlab.plugins.hyperparameter.actions import SetLiteral, Tune
from nightlab.sdk import Plugin

PLUGIN = Plugin("hyperparameter", "0.1.0", (Tune(), SetLiteral()))

__all__ = ["PLUGIN"]
