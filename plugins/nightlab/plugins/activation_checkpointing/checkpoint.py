"""Wraps the blocks of a model in `torch.utils.checkpoint` while it trains."""

from __future__ import annotations

import ast
from typing import Annotated, Final

from nightlab.plugins.hyperparameter.source import callee
from nightlab.plugins.training.layers import Stack, stacks
from nightlab.plugins.training.loops import backwards, mentioned
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.script import Script, loaded
from nightlab.plugins.training.workspace import READS, WRITES, Scripts, scripts
from nightlab.sdk import Edits, Effect, Int, Unmet, action

_REFUSED: Final = {
    "checkpoint_sequential": "activations are checkpointed already",
    "gradient_checkpointing": "the script has its own switch for checkpointing",
    "gradient_checkpointing_enable": "the script has its own switch for checkpointing",
    "checkpoint_activations": "the script has its own switch for checkpointing",
    "FullyShardedDataParallel": "sharded models wrap their blocks themselves",
}
_OWN_KEYWORDS: Final = frozenset({"use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug"})
_CACHES: Final = frozenset(
    {"cache", "use_cache", "kv_cache", "past", "past_key_value", "past_key_values", "layer_past"}
)
_STATEFUL: Final = ("torch.nn.BatchNorm", "torch.nn.SyncBatchNorm", "torch.nn.LazyBatchNorm")


def check(ws: Edits) -> None:
    """Refuse what is not understood."""
    _understood(scripts(ws))


@action(
    reads=READS,
    writes=WRITES,
    check=check,
    effects=(Effect("peak_memory", "down"), Effect("wall_time", "up")),
)
def checkpoint(ws: Edits, every: Annotated[int, Int(1, 4, description="Checkpoint every n-th block.")] = 1) -> str:
    """Recompute the activations of a model's blocks in backward instead of keeping them.

    In the loop over blocks in a model's forward, each n-th block runs under torch.utils.checkpoint while the model
    trains. The numbers stay the same; memory goes down, time goes up by about a third of the blocks' forward and
    backward.
    """
    stack = _understood(scripts(ws))
    patch = Patch(stack.script)
    function = patch.use("torch.utils.checkpoint") + ".checkpoint"
    if stack.loop is None:
        _expand(patch, stack, function, every)
    else:
        _wrap(patch, stack, stack.loop, function, every)
    patch.save(ws)
    which = "each block" if every == 1 else f"every {every}. block"
    return f"{stack.script.where(stack.call)}: {which} of {stack.blocks} checkpointed"


def _understood(found: Scripts) -> Stack:
    _refuse_present(found)
    if not backwards(found):
        raise Unmet("no loss.backward() was found, so nothing keeps activations")
    models = Models(found)
    every = list(stacks(models))
    if not every:
        raise Unmet("no model was found whose forward runs a list of blocks: for block in self.blocks: x = block(x)")
    if len(every) > 1:
        first, second = every[:2]
        second.script.refuse(second.call, f"blocks run here and at {first.script.where(first.call)}; which is meant?")
    _refuse_state(models)
    _refuse_call(every[0])
    return every[0]


def _refuse_present(found: Scripts) -> None:
    for script in found:
        for call in script.calls:
            if script.qualified(call.func).startswith("torch.utils.checkpoint."):
                script.refuse(call, "activations are checkpointed already")
            if script.qualified(call.func).startswith("torch.jit."):
                script.refuse(call, "a scripted model cannot be checkpointed")
    for script, node, word in mentioned(found, frozenset(_REFUSED)):
        script.refuse(node, _REFUSED[word])


def _refuse_state(models: Models) -> None:
    for prefix in _STATEFUL:
        for script, call in models.uses(prefix):
            script.refuse(call, f"{callee(call)} would count each batch twice when its block is recomputed")


def _refuse_call(stack: Stack) -> None:
    script, call = stack.script, stack.call
    for keyword in call.keywords:
        if keyword.arg in _OWN_KEYWORDS:
            script.refuse(call, f"the block's argument {keyword.arg} has the name of one of checkpoint's")
    names = {each.arg for each in call.keywords} | {name.split(".")[-1] for name in loaded(call)}
    if names & _CACHES:
        script.refuse(
            call, f"the block fills {min(n for n in names & _CACHES if n)}, which recomputing would fill twice"
        )
    if not any(not isinstance(each, ast.Constant) for each in call.args):
        script.refuse(call, "the block takes no positional argument")
    if any(isinstance(each, ast.NamedExpr) for each in ast.walk(call)):
        script.refuse(call, "the block's arguments assign a name")
    if stack.loop is None and not _is_plain(script, call):
        script.refuse(call, f"{stack.blocks} is called in a larger expression")
    Patch(script).text(script.statement(call))


def _is_plain(script: Script, call: ast.Call) -> bool:
    """x = self.blocks(x)"""
    statement = script.statement(call)
    if not isinstance(statement, ast.Assign) or statement.value is not call or len(statement.targets) > 1:
        return False
    return isinstance(statement.targets[0], ast.Name) and len(call.args) == 1 and not call.keywords


def _wrap(patch: Patch, stack: Stack, loop: ast.For, function: str, every: int) -> None:
    """Choose between the checkpointed and the plain call."""
    script, call = stack.script, stack.call
    index = stack.index
    if every > 1 and not index:
        index = script.free_name("index", loop)
        patch.replace(loop.iter, f"enumerate({script.text(loop.iter)})")
        patch.replace(loop.target, f"{index}, {script.text(loop.target)}")
    block = script.text(call.func)
    arguments = _arguments(script, call)
    condition = "self.training" if every == 1 else f"self.training and {index} % {every} == 0"
    made = f"{function}({block}, {arguments}, use_reentrant=False)"
    statement = script.statement(call)
    if isinstance(statement, ast.Assign) and statement.value is call:
        targets = "".join(f"{script.text(target)} = " for target in statement.targets)
        plain = f"{targets}{block}({arguments})"
        step = patch.step()
        patch.instead(statement, [f"if {condition}:", f"{step}{targets}{made}", "else:", f"{step}{plain}"])
    else:
        patch.replace(call, f"({made} if {condition} else {block}({arguments}))")


def _expand(patch: Patch, stack: Stack, function: str, every: int) -> None:
    """Write the loop that nn.Sequential runs."""
    script, statement = stack.script, stack.script.statement(stack.call)
    assert isinstance(statement, ast.Assign)
    x, value = script.text(statement.targets[0]), script.text(stack.call.args[0])
    block, index, step = script.free_name("block", statement), script.free_name("index", statement), patch.step()
    head = f"for {block} in {stack.blocks}:" if every == 1 else f"for {index}, {block} in enumerate({stack.blocks}):"
    condition = "self.training" if every == 1 else f"self.training and {index} % {every} == 0"
    made = f"{function}({block}, {x}, use_reentrant=False) if {condition} else {block}({x})"
    start = [] if x == value else [f"{x} = {value}"]
    patch.instead(statement, [*start, head, f"{step}{x} = {made}"])


def _arguments(script: Script, call: ast.Call) -> str:
    """The arguments as written, on one line."""
    parts = [script.text(each) for each in call.args]
    parts += [
        f"{each.arg}={script.text(each.value)}" if each.arg else f"**{script.text(each.value)}"
        for each in call.keywords
    ]
    return ", ".join(" ".join(line.strip() for line in part.splitlines()) for part in parts)
