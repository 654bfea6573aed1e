"""The SDK for action plugins: a typed function, a docstring and the files it reads make a plugin.

from typing import Annotated
from nightlab.sdk import Edits, Float, Plugin, action, serve

@action(reads=["config.yaml"])
def set_rms_eps(ws: Edits, eps: Annotated[float, Float(1e-8, 1e-4, log=True)] = 1e-6) -> None:
    '''Replace LayerNorm by RMSNorm with this epsilon.'''
    ws.sub("config.yaml", r"(?m)^norm:.*$", f"norm: rms  # eps={eps:g}")

PLUGIN = Plugin("example-rmsnorm", "1.0", (set_rms_eps,))
if __name__ == "__main__":
    serve(PLUGIN)
"""

from nightlab.sdk.action import Action, Checked, Context, Effect, Note, Plugin, Unmet
from nightlab.sdk.annotations import Bool, Choice, Float, Int, Text
from nightlab.sdk.completion import Ask, Completion
from nightlab.sdk.edits import Edits
from nightlab.sdk.function import FunctionAction, action
from nightlab.sdk.observe import BadState, LimitExceeded, Memory, Outcome, remember
from nightlab.sdk.serve import serve
from nightlab.sdk.service import PluginServicer

__all__ = [
    "Action",
    "Ask",
    "BadState",
    "Bool",
    "Checked",
    "Choice",
    "Completion",
    "Context",
    "Edits",
    "Effect",
    "Float",
    "FunctionAction",
    "Int",
    "LimitExceeded",
    "Memory",
    "Note",
    "Outcome",
    "Plugin",
    "PluginServicer",
    "Text",
    "Unmet",
    "action",
    "remember",
    "serve",
]
