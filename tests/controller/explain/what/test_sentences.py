"""What is said of a change of a Python file, word for word."""

import pytest

from nightlab.controller.explain.what.changes import changes
from nightlab.controller.model.change import Effect

VALUES = [
    ("SCALAR_LR = 0.5", "SCALAR_LR = 0.3", "`SCALAR_LR` 0.5 -> 0.3"),
    ("x = -0.5", "x = 0.5", "`x` -0.5 -> 0.5"),
    ("x = 1", "x = 1.0", "`x` 1 -> 1.0"),
    ("NAME = 'cifar10'", "NAME = 'cifar100'", "`NAME` 'cifar10' -> 'cifar100'"),
    ("a = b = 3", "a = b = 4", "`a = b` 3 -> 4"),
    ("lr, wd = 0.1, 0.2", "lr, wd = 0.1, 0.3", "`wd` 0.2 -> 0.3"),
    ("x += 1", "x += 2", "`x +=` 1 -> 2"),
    ("os.environ['X'] = '1'", "os.environ['X'] = '2'", "`os.environ['X']` '1' -> '2'"),
    ("def train(lr=0.1): 0", "def train(lr=0.2): 0", "default of `lr` 0.1 -> 0.2 in `train()`"),
    ("def f(*, wd=0.0): 0", "def f(*, wd=0.1): 0", "default of `wd` 0.0 -> 0.1 in `f()`"),
    ("o = optim.AdamW(p, lr=0.1)", "o = optim.AdamW(p, lr=0.2)", "`lr=` 0.1 -> 0.2 in `optim.AdamW(...)`"),
    ("l = nn.Linear(128, 64)", "l = nn.Linear(128, 32)", "argument 2: 64 -> 32 in `nn.Linear(...)`"),
    (
        "p.add_argument('--lr', default=0.1)",
        "p.add_argument('--lr', default=0.3)",
        "`default=` 0.1 -> 0.3 in `p.add_argument('--lr', ...)`",
    ),
    ("C = {'o': {'betas': (0.9, 0.95)}}", "C = {'o': {'betas': (0.9, 0.99)}}", "`C['o']['betas'][1]` 0.95 -> 0.99"),
    ("class Config:\n    lr: float = 0.1", "class Config:\n    lr: float = 0.2", "`Config.lr` 0.1 -> 0.2"),
    (
        "class M:\n    def __init__(self):\n        self.dim = 64",
        "class M:\n    def __init__(self):\n        self.dim = 128",
        "`self.dim` 64 -> 128 in `M.__init__()`",
    ),
    ("y = 2 * x + 1", "y = 2 * x + 3", "1 -> 3 in `y = 2 * x + 1`"),
    ("x = a[0:10]", "x = a[0:20]", "10 -> 20 in `x = a[0:10]`"),
    ("lr = 0.1 if big else 0.2", "lr = 0.1 if big else 0.3", "0.2 -> 0.3 in `lr = 0.1 if big else 0.2`"),
    ("s = L(o, lambda e: 0.95 ** e)", "s = L(o, lambda e: 0.99 ** e)", "0.95 -> 0.99 in `0.95 ** e`"),
    ("a.f(1).g()", "a.f(2).g()", "argument: 1 -> 2 in `a.f(...)`"),
    ("f(**{'lr': 0.1})", "f(**{'lr': 0.2})", "item 'lr': 0.1 -> 0.2 in `f(...)`"),
    ("def f():\n    return 0.5", "def f():\n    return 0.3", "`return` 0.5 -> 0.3 in `f()`"),
    ("while True:\n    a()", "while 1:\n    a()", "`while` True -> 1"),
    ("@cache(size=1)\ndef f(): 0", "@cache(size=2)\ndef f(): 0", "`size=` 1 -> 2 in `cache(...)`, decorator of `f()`"),
    ("match x:\n    case 1:\n        a()", "match x:\n    case 2:\n        a()", "1 -> 2 in `case 2:`"),
]
BEHAVIOUR = [
    ("if x == None:\n    0", "if x is None:\n    0", "`if`: `x == None` became `x is None`"),
    ("x = a if b else c", "x = a if d else c", "`b` became `d` in `x = a if b else c`"),
    ("x += 1", "x -= 1", "`x += 1` became `x -= 1`"),
    (
        "def f(best, loss):\n    if best >= loss:\n        best = loss",
        "def f(best, loss):\n    best = min(best, loss)",
        "`if best >= loss: best = loss` became `best = min(best, loss)` in `f()`",
    ),
    ("model.train()", "model.eval()", "call of `model.train()` became `model.eval()`"),
    ("print(a)\nprint(b)\nprint(c)", "print(a)\nprint(c)", "`print(b)` removed"),
    ("m = c(m, mode='x')", "m = c(m)", "`mode='x'` removed in `c(...)`"),
    ("m = compile_it(model, mode='x')", "m = compile_it(model)", "`mode='x'` removed in `compile_it(...)`"),
    ("x = [1, 2, 3]", "x = [1, 3]", "`x`: item `2` removed"),
    ("x = {'a': 1}", "x = {'a': 1, 'b': 2}", "`x['b']` added: `2`"),
    ("x = {'a': 1, 'b': 2}", "x = {'b': 2, 'a': 1}", "`x`: keys reordered"),
    ("try:\n    a()\nexcept A:\n    0", "try:\n    a()\nexcept B:\n    0", "`except`: `A` became `B`"),
    ("with no_grad():\n    a()", "a()", "`with no_grad(): a()` became `a()`"),
    ("for i in n:\n    f(i)", "for _i in n:\n    f(i)", "loop variable `i` became `_i`"),
    ("def f(a, b): 0", "def f(b, a): 0", "parameters reordered in `f()`"),
    ("def f(a): 0", "def f(a, c=1): 0", "parameter `c` added (default `1`) in `f()`"),
    ("def f(a): 0", "def f(_a): 0", "parameter `a` renamed to `_a` in `f()`"),
    ("def f(c=[]): 0", "def f(c=None): 0", "default of `c`: `[]` became `None` in `f()`"),
    ("async def f(): 0", "def f(): 0", "`f()` is not async any more"),
    ("@cache\ndef f(): 0", "def f(): 0", "decorator `cache` of `f()` removed"),
    ("class A(B): 0", "class A(C): 0", "base of `A`: `B` became `C`"),
    ("def f(): return 1", "def g(): return 1", "`f()` renamed to `g()`"),
    ("x = 1", "x = 1\ndef f(): 0", "function `f()` added"),
    ("class A:\n    x = 1\n    def f(self): 0", "class A:\n    x = 1", "method `A.f()` removed"),
    ("x = f'{a:.3f}'", "x = f'{a:.4f}'", "`x`: `f'{a:.3f}'` became `f'{a:.4f}'`"),
    ("def f(x: Optional[int]): 0", "def f(x: int | None): 0", "annotation of `x`: `Optional[int]` became `int | None`"),
    ("x: int = 3", "x = 3", "annotation of `x` removed (was `int`)"),
]
ORDER = [
    ("seed()\nimport model", "import model\nseed()", "`seed()` now runs after `import model`"),
    ("a()\nb()\nc()", "a()\nc()\nb()", "`b()` now runs after `c()`"),
    ("b()\ns()\nz()", "z()\nb()\ns()", "`z()` now runs before `b()`"),
    ("import b\nimport a", "import a\nimport b", "imports reordered: `import b` now after `import a`"),
    ("import a, b", "import a\nimport b", "imports written in another way, same names"),
    ("def f(): 0\ndef g(): 1", "def g(): 1\ndef f(): 0", "`f()` moved after `g()`"),
]
IMPORTS = [
    ("import os\nimport sys", "import sys", "import of `os` removed"),
    ("x = 1", "from a import b\nx = 1", "import of `b` from `a` added"),
    ("from a import b", "from c import b", "`b` is imported from `c` instead of `a`"),
    ("import numpy as np", "import jax.numpy as np", "import of `numpy` as `np` became `jax.numpy` as `np`"),
    ("x = 1", "from __future__ import annotations\nx = 1", "`from __future__ import annotations` added"),
    ("import os\nimport os\nx = 1", "import os\nx = 1", "repeated import of `os` removed"),
    ("import torch\nx = 1", "if T:\n    import torch\nx = 1", "import of `torch` moved under `if T`"),
]


def told(before: str, after: str) -> tuple[Effect, list[str]]:
    (change,) = changes({"m.py": before.encode()}, {"m.py": after.encode()}, {})
    return change.effect, [fact.text for fact in change.facts]


@pytest.mark.parametrize(("before", "after", "sentence"), [*VALUES, *BEHAVIOUR, *ORDER, *IMPORTS])
def test_first_fact_says_what_changed(before, after, sentence):
    effect, facts = told(f"{before}\n", f"{after}\n")
    assert effect is Effect.BEHAVIOUR
    assert facts[0].startswith(sentence), facts


@pytest.mark.parametrize(("before", "after", "sentence"), VALUES)
def test_changed_literal_is_the_only_fact(before, after, sentence):
    assert told(f"{before}\n", f"{after}\n")[1] == [sentence]


SAME = [
    ("x=1 # a\n", "x = 1  # b\n", "comments only, same AST"),
    ("x = 1\n", "x = 1\r\n", "line ends LF -> CRLF, same AST"),
    ("x = 1\n", "\ufeffx = 1\n", "byte order mark added, same AST"),
    ("x = (1)\n", "x = 1\n", "format only, same AST"),
    ("x = 1e-3\n", "x = 0.001\n", "format only, same AST"),
    ("x = u'a' 'b'\n", 'x = "ab"\n', "format only, same AST"),
]


@pytest.mark.parametrize(("before", "after", "sentence"), SAME)
def test_change_of_the_text_alone_is_told_as_such(before, after, sentence):
    assert told(before, after) == (Effect.SAME_PROGRAM, [sentence])


DOCSTRINGS = [
    ("def f():\n    'A.'\n", "def f():\n    'B.'\n", "docstring of `f()` changed"),
    ("def f():\n    return 1\n", "def f():\n    'B.'\n    return 1\n", "docstring of `f()` added"),
    (
        "class A:\n    def f(s):\n        'A.'\n",
        "class A:\n    def f(s):\n        'A. '\n",
        "docstring of `A.f()` has other white space",
    ),
    ("'''A.'''\nx = 1\n", "x = 1\n", "docstring of the module removed"),
]


@pytest.mark.parametrize(("before", "after", "sentence"), DOCSTRINGS)
def test_change_of_a_docstring_alone_is_told_as_such(before, after, sentence):
    assert told(before, after) == (Effect.DOCSTRING, [sentence])


def test_value_comes_first_and_import_later():
    before = "import os\nLR = 0.1\ndef f():\n    'A.'\n    g(1)\n    h()\n"
    after = "LR = 0.2\ndef f():\n    'B.'\n    g(1)\n"
    facts = ["`LR` 0.1 -> 0.2", "`h()` removed in `f()`", "import of `os` removed", "docstring of `f()` changed"]
    assert told(before, after)[1] == facts


def test_line_is_that_of_the_later_file():
    (change,) = changes({"m.py": b"x = 1\nLR = 0.1\n"}, {"m.py": b"# a\n\nx = 1\n\n\nLR = 0.2\n"}, {})
    assert str(change.facts[0]) == "`LR` 0.1 -> 0.2, m.py:6"


def test_repeated_sentence_is_told_once():
    assert told("f(1)\nf(1)\nf(1)\n", "f(2)\nf(2)\nf(2)\n")[1] == ["argument: 1 -> 2 in `f(...)` (3 times)"]


def test_broken_file_names_its_line():
    effect, facts = told("def f():\n    return (1)\n", "def f():\n    return (1\n")
    assert effect is Effect.BEHAVIOUR
    assert facts[:2] == ["does not parse any more: '(' was never closed, line 2", "`return (1)` became `return (1`"]


def test_newer_grammar_is_no_broken_file():
    effect, facts = told("T = list[int]\n", "type T = list[int]\n")
    assert effect is Effect.BEHAVIOUR
    assert facts[0].startswith("needs a newer Python than 3.") or facts == [
        "`T = list[int]` became `type T = list[int]`"
    ]


@pytest.mark.parametrize(
    ("after", "first"),
    [
        ("", "the file is empty now"),
        ("LR = 0.5\nSTE", "the file is cut off in line 2 of 9"),
        ("LR = 0.5\n", "the last 8 of 9 lines are gone"),
    ],
)
def test_truncated_file_is_told_as_such(after, first):
    before = "LR = 0.5\nSTEPS = 20\n\n\ndef f():\n    return LR\n\n\nprint(f())\n"
    assert first in told(before, after)[1][:2]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            "def f(x):\n    # type: (int) -> int\n    return x\n",
            "def f(x):\n    # type: (str) -> int\n    return x\n",
            "type comment changed",
        ),
        (
            "#!/usr/bin/python\nx = 1\n",
            "#!/usr/bin/python\r\nx = 1\r\n",
            "first line for the system's loader: `#!/usr/bin/python` -> `#!/usr/bin/python\\r`",
        ),
        (
            "# /// script\n# dependencies = ['a']\n# ///\n",
            "# /// script\n# dependencies = ['b']\n# ///\n",
            "script metadata changed",
        ),
    ],
)
def test_comment_that_a_program_reads_may_change_behaviour(before, after, sentence):
    effect, facts = told(before, after)
    assert effect is Effect.BEHAVIOUR
    assert facts[0] == sentence
