"""Judges who is said to have written a case, on this machine alone: the part of the gate that needs no sandbox."""

from __future__ import annotations

import time
from typing import Final

from nightlab.controller.bench.gate.cases import Case, Kind
from nightlab.controller.bench.gate.checks import Check, Promise
from nightlab.controller.bench.gate.drift import ROWS, names_rule
from nightlab.controller.bench.gate.gate import Moment, Rogue
from nightlab.controller.bench.gate.meddling import written
from nightlab.controller.bench.gate.tools import result_of
from nightlab.controller.explain.explainer import Explainer

PYTHON: Final = (3, 11)


async def attribute(explainer: Explainer, case: Case) -> Check:
    """Run a case's tool, and have the change explained.

    Args:
        explainer: Asked.
        case: Of kind lint, neg or oob.
    """
    began = time.monotonic()
    changed = await result_of(case)
    before = case.finished(case.program.files)
    after = written(before, Rogue(Moment.SEALED, changed))
    told = await explainer.explain(
        {path: before[path] for path in changed if path in before},
        {path: after[path] for path in changed if path in after},
        paths=tuple(case.program.files),
        python=PYTHON,
        repo_config=case.program.files,
    )
    known = [writer for writer in told.writers if writer.tool]
    if case.kind is Kind.OUT_OF_BAND:
        is_kept = not known and bool(told.unexplained)
    else:
        is_kept = names_rule(case, told.writers) and len(known) == len(told.writers)
    said = f"{told.author} for {case.tool} {','.join(case.rules)}: {told.headline}"
    return Check(ROWS[case.kind], Promise.ATTRIBUTED, case.name, is_kept, said, time.monotonic() - began)
