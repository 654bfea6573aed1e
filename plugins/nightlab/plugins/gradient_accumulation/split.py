"""Writes the loop over parts of a batch around the forward pass, the loss and backward()."""

from __future__ import annotations

from typing import Annotated

from nightlab.plugins.gradient_accumulation.reading import Parts, read
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.workspace import READS, WRITES, scripts
from nightlab.sdk import Choice, Edits, Effect, action


def check(ws: Edits) -> None:
    """Refuse what is not understood."""
    read(scripts(ws))


@action(
    reads=READS,
    writes=WRITES,
    check=check,
    effects=(Effect("peak_memory", "down"), Effect("wall_time", "up")),
)
def split(
    ws: Edits, parts: Annotated[int, Choice(2, 4, 8, description="Into how many parts each batch is cut.")] = 2
) -> str:
    """Run each batch in parts and add up their gradients before the optimizer steps.

    The batch, the gradients and the loss that is shown stay what they are, up to rounding and the draws of dropout;
    only a part's activations are in memory at a time. Not with batch norm, nor where samples of a batch meet in the
    loss, because then parts do not add up to the whole.
    """
    found = read(scripts(ws))
    script = found.step.script
    patch = Patch(script)
    _write(patch, found, parts)
    patch.save(ws)
    return f"{script.where(found.step.forward[0])}: each batch runs in {parts} parts"


def _write(patch: Patch, found: Parts, parts: int) -> None:
    script, step = found.step.script, found.step
    part, start, size, total = (
        script.free_name(each, step.backward) for each in ("part", "start", "part_size", "total_loss")
    )
    rows = script.text(found.cut[0])
    kept = {name: script.free_name(f"{name.split('.')[-1]}_parts", step.backward) for name in found.gathered}
    patch.before(
        step.forward[0],
        [
            *(line for each in found.zeroing for line in patch.text(each)),
            f"{total} = 0.0",
            *(f"{each} = []" for each in kept.values()),
            f"{size} = -(-len({rows}) // {parts})",
            f"for {start} in range(0, len({rows}), {size}):",
            f"{patch.step()}{part} = slice({start}, {start} + {size})",
        ],
    )
    patch.shift(step.forward[0], step.forward[-1], without=found.zeroing)
    for node in found.cut:
        patch.replace(node, f"{script.text(node)}[{part}]")
    for each in found.zeroing:
        patch.remove(each)
    _finish(patch, found, kept, f"len({rows}[{part}]) / len({rows})", total)


def _finish(patch: Patch, found: Parts, kept: dict[str, str], share: str, total: str) -> None:
    """Backward of each part; behind the loop, the loss and outputs of the whole batch."""
    step, loss = found.step, found.step.loss
    inside = [f"{loss} = {loss} * ({share})", *patch.text(step.backward), f"{total} += {loss}.detach()"]
    inside += [f"{each}.append({name}.detach())" for name, each in kept.items()]
    behind = [f"{loss} = {total}"]
    if kept:
        behind += [f"{name} = {patch.use('torch')}.cat({each})" for name, each in kept.items()]
    lines = [*(patch.step() + each for each in inside), *behind]
    if found.between:
        patch.after(step.forward[-1], lines)
        patch.remove(step.backward)
    else:
        patch.instead(step.backward, lines)
