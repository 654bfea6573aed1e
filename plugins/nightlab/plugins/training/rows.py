"""Tells which values hold one row for each sample of the batch, by an abstract run of the code before a statement.

Loaders, samplers of indices and functions that cut batches are followed. What is not known for sure is UNKNOWN.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from nightlab.plugins.hyperparameter.names import words
from nightlab.plugins.hyperparameter.source import callee, constant, dotted
from nightlab.plugins.training.kinds import (
    BATCH,
    LOADER,
    PLAIN,
    ROWS,
    UNKNOWN,
    Env,
    Kind,
    Stream,
    Value,
    element,
    joined,
    mixed,
)
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.script import Function, Loop, Script, stored
from nightlab.plugins.training.workspace import Scripts

_DEEPEST: Final = 4
_KEEP: Final = frozenset(
    {"to", "cuda", "cpu", "float", "long", "int", "half", "bool", "type", "double", "contiguous", "clone", "detach"}
    | {"pin_memory", "astype", "requires_grad_", "div", "mul", "add", "sub", "clamp", "abs", "exp", "log", "copy"}
)
_FIRST_DIMENSION: Final = frozenset({"view", "reshape"})
_BY_DIMENSION: Final = frozenset({"unsqueeze", "squeeze", "flatten", "transpose", "argmax", "softmax"})
_COPIES: Final = frozenset(
    {"tensor", "as_tensor", "from_numpy", "array", "asarray", "LongTensor", "FloatTensor", "one_hot"}
)
_RANDOM: Final = frozenset({"randint", "randn", "rand", "integers", "choice", "normal", "uniform", "standard_normal"})
_NUMBERS: Final = frozenset(
    {"int", "float", "min", "max", "round", "abs", "device", "arange", "sqrt", "cos", "exp", "str"}
)
_THROUGH: Final = frozenset({"tqdm", "iter", "track", "cycle", "list", "tuple"})


class Rows:
    """Runs code of a workspace on kinds in the place of values."""

    def __init__(self, found: Scripts, models: Models) -> None:
        self._scripts = tuple(found)
        self.functions = models.functions

    def before(self, script: Script, statement: ast.stmt, depth: int = _DEEPEST) -> Env:
        """What names hold when a statement begins; a name that is missing is PLAIN."""
        owner = script.scope(statement)
        frame = _Frame(self, script, self._parameters(owner, depth), depth)
        chain = [statement, *(each for each in script.above(statement) if owner in (each, *script.above(each)))]
        frame.repeats = self._repeats(owner, depth)
        for outer, inner in zip(chain[:0:-1], chain[-2::-1], strict=True):
            frame.enter(outer)
            block = script.block(inner) if isinstance(inner, ast.stmt) else []
            for sibling in block[: next((i for i, each in enumerate(block) if each is inner), 0)]:
                frame.run(sibling)
        return frame.env

    def call(self, script: Script, call: ast.Call, frame: _Frame, depth: int) -> Value:
        """What a call of a function of the workspace gives; UNKNOWN for any other."""
        known = self.functions.get(callee(call))
        if known is None or depth == 0:
            return UNKNOWN
        inside, function = known
        inner = _Frame(self, inside, self._bound(function, call, frame), depth - 1)
        inner.repeats = True
        for each in function.body:
            inner.run(each)
        if inner.yields:
            return Stream(joined(inner.yields))
        return joined(inner.returns) if inner.returns else PLAIN

    def _bound(self, function: Function, call: ast.Call, frame: _Frame) -> Env:
        """Parameters with what a call gives them."""
        names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        names = names[1:] if names[:1] in (["self"], ["cls"]) else names
        env = {name: frame.value(each) for name, each in zip(names, call.args, strict=False)}
        env |= {each.arg: frame.value(each.value) for each in call.keywords if each.arg}
        if any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords):
            env = dict.fromkeys([*names, *env], UNKNOWN)
        return env

    def _repeats(self, owner: ast.AST, depth: int) -> bool:
        """Whether a function is called in a loop, itself or what calls it."""
        for script, call in self._calls_of(owner) if depth else ():
            outer = script.scope(call)
            if isinstance(script.loop(call), Loop) or (outer is not owner and self._repeats(outer, depth - 1)):
                return True
        return False

    def _calls_of(self, owner: ast.AST) -> Iterator[tuple[Script, ast.Call]]:
        if isinstance(owner, Function) and self.functions.get(owner.name, (None, None))[1] is owner:
            for script in self._scripts:
                yield from ((script, each) for each in script.calls if callee(each) == owner.name)

    def _parameters(self, owner: ast.AST, depth: int) -> Env:
        """What a function's parameters hold at all places that call it."""
        found: list[Env] = []
        for other, call in self._calls_of(owner) if depth else ():
            if isinstance(owner, Function) and other.scope(call) is not owner:
                env = self.before(other, other.statement(call), depth - 1)
                found.append(self._bound(owner, call, _Frame(self, other, env, depth - 1)))
        names = {name for env in found for name in env}
        return {name: joined([env.get(name, PLAIN) for env in found]) for name in names}


class _Frame:
    """One function's run."""

    def __init__(self, rows: Rows, script: Script, env: Env, depth: int) -> None:
        self.rows, self.script, self.env, self.depth = rows, script, env, depth
        self.repeats = False
        self.returns: list[Value] = []
        self.yields: list[Value] = []

    def enter(self, node: ast.AST) -> None:
        """Begin a loop around the statement that is looked for."""
        if isinstance(node, Loop):
            self.repeats = True
        if isinstance(node, ast.For | ast.AsyncFor):
            self.bind(node.target, element(self.value(node.iter)))

    def run(self, statement: ast.stmt) -> None:
        """Run one statement."""
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self.bind(target, self.value(statement.value))
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self.bind(statement.target, self.value(statement.value))
        elif isinstance(statement, ast.AugAssign):
            self.bind(statement.target, mixed([self.value(statement.target), self.value(statement.value)]))
        elif isinstance(statement, ast.If):
            self._branch(statement.body, statement.orelse)
        elif isinstance(statement, ast.With | ast.Try):
            self._all(statement.body)
        elif isinstance(statement, Loop):
            self._loop(statement)
        elif isinstance(statement, ast.Return) and statement.value is not None:
            self.returns.append(self.value(statement.value))
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield) and statement.value.value:
            self.yields.append(self.value(statement.value.value))

    def bind(self, target: ast.expr, value: Value) -> None:
        """Assign."""
        if isinstance(target, ast.Tuple | ast.List):
            parts = value if isinstance(value, tuple) and len(value) == len(target.elts) else None
            each = {BATCH: ROWS, PLAIN: PLAIN}.get(value, UNKNOWN) if isinstance(value, Kind) else UNKNOWN
            for index, part in enumerate(target.elts):
                self.bind(part, parts[index] if parts else each)
        elif dotted(target):
            self.env[dotted(target)] = PLAIN if value is UNKNOWN and not self.repeats else value

    def value(self, node: ast.expr | None) -> Value:
        """What an expression gives."""
        if node is None or isinstance(node, ast.Constant | ast.JoinedStr):
            return PLAIN
        if dotted(node):
            return self._named(node, dotted(node))
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self.value(each) for each in node.elts)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.IfExp):
            return joined([self.value(node.body), self.value(node.orelse)])
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.UnaryOp | ast.Compare | ast.BoolOp):
            return mixed([self.value(each) for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)])
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
            return BATCH if self._over(node) is BATCH else UNKNOWN
        return PLAIN if isinstance(node, ast.Attribute) and node.attr in ("device", "dtype") else UNKNOWN

    def _named(self, node: ast.expr, name: str) -> Value:
        if name in self.env and self.env[name] not in (PLAIN, UNKNOWN):
            return self.env[name]
        if set(words(name.split(".")[-1])) & {"loader", "dataloader"}:
            return LOADER
        if isinstance(node, ast.Attribute | ast.Subscript):
            inner = self.value(node.value)
            if inner is BATCH and isinstance(node, ast.Subscript):
                return ROWS
            kept = isinstance(node, ast.Attribute) and (node.attr in ("device", "dtype") or inner is PLAIN)
            return PLAIN if kept or (inner is PLAIN and name not in self.env) else UNKNOWN
        return self.env.get(name, PLAIN)

    def _subscript(self, node: ast.Subscript) -> Value:
        value, index = self.value(node.value), node.slice
        first = index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index
        if isinstance(value, tuple) and isinstance(number := constant(first), int) and number < len(value):
            return value[number]
        if value is BATCH:
            return ROWS if isinstance(first, ast.Constant) else UNKNOWN
        if value is ROWS:
            whole = isinstance(first, ast.Slice) and (first.lower, first.upper, first.step) == (None, None, None)
            return ROWS if whole or (isinstance(first, ast.Constant) and first.value is Ellipsis) else UNKNOWN
        if isinstance(first, ast.Slice):
            return ROWS if first.upper is not None and self._counts(first.upper) else UNKNOWN
        return ROWS if self.value(first) is ROWS else UNKNOWN

    def _call(self, call: ast.Call) -> Value:
        name, first = callee(call), call.args[0] if call.args else None
        if isinstance(call.func, ast.Attribute) and not self.script.qualified(call.func).startswith(
            ("torch.", "numpy.")
        ):
            value = self.value(call.func.value)
            if value is ROWS:
                return ROWS if self._keeps(call) else UNKNOWN
            if value is BATCH:
                return {"to": ROWS, "cuda": ROWS, "items": BATCH, "values": BATCH}.get(name, UNKNOWN)
        if name in self.rows.functions:
            return self.rows.call(self.script, call, self, self.depth)
        return self._known(call, name, first)

    def _known(self, call: ast.Call, name: str, first: ast.expr | None) -> Value:
        if name in ("enumerate", "zip"):
            each = tuple(element(self.value(arg)) for arg in call.args)
            return Stream((PLAIN, each[0]) if name == "enumerate" and each else each)
        if name in ("range", "trange", "count"):
            return Stream(PLAIN)
        if name == "DataLoader":
            return LOADER
        if name in _THROUGH and first is not None:
            return self.value(first)
        if name == "next" and first is not None:
            return element(self.value(first))
        if name in _RANDOM and any(self._draws(each) for each in (*call.args, *(k.value for k in call.keywords))):
            return ROWS
        return self._made(call, name, first)

    def _made(self, call: ast.Call, name: str, first: ast.expr | None) -> Value:
        if name == "stack" or name in _COPIES:
            rest = [*call.args[1:2], *(each.value for each in call.keywords if each.arg in ("dim", "axis"))]
            if name == "stack" and any(constant(each) != 0 for each in rest):
                return UNKNOWN
            is_list = isinstance(first, ast.ListComp) and self._over(first) is ROWS
            return ROWS if is_list or self.value(first) is ROWS else UNKNOWN
        if name.endswith("_like") and self.value(first) is ROWS:
            return ROWS
        return PLAIN if name in _NUMBERS and mixed([self.value(each) for each in call.args]) is PLAIN else UNKNOWN

    def _over(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Value:
        """What a comprehension runs over: samples one by one, or the parts of a batch."""
        source = node.generators[0].iter
        if isinstance(source, ast.Call) and callee(source) == "range":
            return ROWS if len(source.args) == 1 and self._counts(source.args[0]) else UNKNOWN
        return self.value(source)

    def _keeps(self, call: ast.Call) -> bool:
        """Whether a method of a tensor leaves the first dimension as it is."""
        name, numbers = callee(call), [constant(each) for each in call.args]
        if name in _FIRST_DIMENSION:
            is_product = bool(call.args) and isinstance(call.args[0], ast.BinOp) and numbers[0] != -1
            return len(numbers) > 1 and (numbers[0] == -1 or (not is_product and self._counts(call.args[0])))
        if name in _BY_DIMENSION:
            return bool(numbers) and all(isinstance(each, int) and each != 0 for each in numbers)
        if name == "permute":
            return numbers[:1] == [0]
        return name in _KEEP

    def _draws(self, size: ast.expr) -> bool:
        """Whether a random shape is one of samples; one number in a loop is that of as many indices."""
        if self._counts(size):
            return True
        single = constant(size.elts[0]) if isinstance(size, ast.Tuple) and len(size.elts) == 1 else None
        return self.repeats and isinstance(single, int) and single > 1

    def _counts(self, node: ast.expr) -> bool:
        """Whether an expression is the number of samples, alone or as a shape's first, or ends a slice of as many."""
        if isinstance(node, ast.Tuple | ast.List):
            return bool(node.elts) and self._counts(node.elts[0])
        if isinstance(node, ast.BinOp):
            return self._counts(node.left) or self._counts(node.right)
        if isinstance(node, ast.Call) and callee(node) in ("len", "size"):
            values = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
            return any(self.value(each) is ROWS for each in values)
        if isinstance(node, ast.Subscript) and dotted(node.value).endswith(".shape") and constant(node.slice) == 0:
            return isinstance(node.value, ast.Attribute) and self.value(node.value.value) is ROWS
        last = dotted(node).split(".")[-1]
        return last == "B" or bool({"batch", "bs", "batchsize"} & set(words(last)))

    def _operation(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.MatMult) and right is not PLAIN:
            return UNKNOWN
        return mixed([left, right])

    def _branch(self, body: Sequence[ast.stmt], other: Sequence[ast.stmt]) -> None:
        before = dict(self.env)
        self._all(body)
        taken, self.env = self.env, before
        self._all(other)
        names = taken.keys() | self.env.keys()
        self.env = {name: joined([taken.get(name, PLAIN), self.env.get(name, PLAIN)]) for name in names}

    def _loop(self, loop: ast.For | ast.AsyncFor | ast.While) -> None:
        """Run a loop once; what it leaves in a name of its own is not known behind it."""
        before, repeats = dict(self.env), self.repeats
        self.enter(loop)
        self._all(loop.body)
        self.repeats = repeats
        for name in stored(loop):
            self.env[name] = joined([before.get(name, UNKNOWN), self.env.get(name, UNKNOWN)])

    def _all(self, statements: Sequence[ast.stmt]) -> None:
        for each in statements:
            self.run(each)
