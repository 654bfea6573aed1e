"""Edits of Python files for actions: find by name, ask for edits, save; comments and format stay byte for byte.

source = code.read(ws, "train.py")            # Unmet with "train.py:12" for a file that cannot be read
for call in source.calls("torch.optim.SGD"):  # also written optim.SGD, or SGD with a from-import
    call.swap("torch.optim.AdamW")            # adds the import that it needs
    call.keep("lr", "weight_decay")
    call.set("lr", 3e-4, position=1)
source.loops("*.backward")[0].before("scaler = make_scaler()")
source.save(ws)

A str given as a value is an expression ("args.lr"); `literal` spells a text as one. Edits may be asked for in any
order; those that want the same place are Unmet at `save`. Save and read again to edit what an edit wrote.
"""

from nightlab.sdk.code.calls import Call
from nightlab.sdk.code.source import Source, read
from nightlab.sdk.code.statements import Statement
from nightlab.sdk.code.values import constant, literal

__all__ = ["Call", "Source", "Statement", "constant", "literal", "read"]
