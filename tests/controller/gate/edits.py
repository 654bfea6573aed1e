"""Small edits of a training script: bugs that must be stopped by a rule, and harmless ones that must pass."""

from __future__ import annotations

from typing import Final

# name -> (what is there before, what the edit makes of it, the rule that stops it)
BUGS: Final[dict[str, tuple[str, str, str]]] = {
    "await_in_plain_function": ("async def g(): ...\n", "async def g(): ...\ndef f():\n    await g()\n", "PLE1142"),
    "never_awaited": ("async def save(): ...\n", "async def save(): ...\nasync def f():\n    save()\n", "NL009"),
    "bare_raise": ("def f(): ...\n", "def f():\n    raise\n", "PLE0704"),
    "raises_no_exception": ("x = 1\n", 'x = 1\nraise "bad"\n', "B016"),
    "exception_not_raised": ("x = 1\n", 'x = 1\nif x < 0:\n    ValueError("x")\n', "PLW0133"),
    "except_or": ("x = 1\n", "try:\n    x = 1\nexcept ValueError or TypeError:\n    pass\n", "PLW0711"),
    "except_twice": (
        "x = 1\n",
        "try:\n    x = 1\nexcept ValueError:\n    x = 2\nexcept ValueError:\n    x = 3\n",
        "B025",
    ),
    "return_in_finally": (
        "def f(): ...\n",
        "def f(x):\n    try:\n        x()\n    finally:\n        return 1\n",
        "B012",
    ),
    "nan_comparison": ("x = 1.0\n", "import math\nx = 1.0\nprint(x == math.nan)\n", "PLW0177"),
    "self_comparison": ("a, b = 1, 2\n", "a, b = 1, 2\nif a < a:\n    print(b)\n", "PLR0124"),
    "self_assignment": (
        "def f(a, b):\n    a = b\n    return a\n",
        "def f(a, b):\n    a = a\n    return a\n",
        "PLW0127",
    ),
    "or_constant": ("k = 'a'\n", "k = 'a'\nif k == 'a' or 'b':\n    print(k)\n", "SIM222"),
    "percent_count": ("x = 1\n", "x = 1\nprint('%d %d' % (x,))\n", "F507"),
    "format_unused": ("x = 1\n", "x = 1\nprint('{}'.format(x, 2))\n", "F523"),
    "f_missing": ("loss = 1\n", "loss = 1\nprint('loss: {loss}')\n", "RUF027"),
    "logging_args": ("import logging\n", "import logging\nlogging.info('%s %s', 1)\n", "PLE1206"),
    "open_mode": ("x = 1\n", "x = open('a', 'rwb')\n", "PLW1501"),
    "numpy_name_gone": ("import numpy as np\n", "import numpy as np\nx = np.float(1)\n", "NPY001"),
    "unary_increment": ("step = 0\n", "step = 0\n++step\n", "B002"),
    "annotation_for_assignment": ("lr = 0.1\n", "lr: 0.01\n", "NL007"),
    "annotation_of_item": ("c = {}\nc['lr'] = 0.1\n", "c = {}\nc['lr']: 0.01\n", "B032"),
    "tuple_by_comma": ("lr = 0.1\nprint(lr * 2)\n", "lr = 0.1,\nprint(lr * 2)\n", "COM818"),
    "comma_missing": ("names = ['lr', 'wd']\n", "names = ['lr' 'wd', 'eps']\n", "ISC004"),
    "mutable_default": (
        "def f(x): ...\n",
        "def f(x, seen_losses2=[]): ...\ndef g(x, out=[]):\n    out.append(x)\n",
        "B006",
    ),
    "time_default": ("import time\n", "import time\ndef f(t=time.time()):\n    return t\n", "B008"),
    "dataclass_list": (
        "from dataclasses import dataclass\n",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: list = []\n",
        "RUF008",
    ),
    "field_twice": ("class C:\n    lr = 1\n", "class C:\n    lr = 1\n    wd = 2\n    lr = 3\n", "PIE794"),
    "builtin_hidden": ("def f(xs):\n    return sum(xs)\n", "def f(xs):\n    sum = 0\n    return sum(xs)\n", "A001"),
    "inner_loop_variable": (
        "x = []\n",
        "x = []\nfor i in range(3):\n    for i in range(2):\n        pass\n    x.append(i)\n",
        "PLW2901",
    ),
    "walked_and_changed": ("x = [1]\n", "x = [1]\nfor i in x:\n    if i:\n        x.remove(i)\n", "B909"),
    "closure_of_dict": ("h = {}\n", "h = {}\nfor k in 'ab':\n    h[k] = lambda v: v * k\n", "B023"),
    "closure_by_def": (
        "h = []\n",
        "h = []\nfor k in range(3):\n    def hook(v):\n        return v * k\n    h.append(hook)\n",
        "B023",
    ),
    "groupby_twice": (
        "import itertools\n",
        "import itertools\nfor k, g in itertools.groupby([1]):\n    for i in range(2):\n        print(list(g))\n",
        "B031",
    ),
    "one_key_for_all": ("x = 1\n", "k = 'a'\nx = {k: v for v in range(3)}\n", "B035"),
    "transposed_name": (
        "def f(xs):\n    best = 9.0\n    score_sum = 0\n    return best, score_sum\n",
        "def f(xs):\n    best = 9.0\n    score_sum = 0\n    socre_sum = xs\n    return best, score_sum\n",
        "F841",
    ),
    "case_of_name": (
        "def f(xs):\n    numSteps = 0\n    return numSteps\n",
        "def f(xs):\n    numSteps = 0\n    num_steps = 5\n    return numSteps\n",
        "F841",
    ),
    "list_lost": ("a = []\n", "a = []\na = a.append(1)\n", "NL008"),
    "keyword_typo": ("def fit(lr, steps=1): ...\n", "def fit(lr, steps=1): ...\nfit(0.1, stpes=2)\n", "NL001"),
    "one_value_too_many": ("def fit(lr): ...\n", "def fit(lr): ...\nfit(0.1, 2)\n", "NL002"),
    "value_missing": (
        "class Net:\n    def __init__(self, wide, deep): ...\n",
        "class Net:\n    def __init__(self, wide, deep): ...\nNet(3)\n",
        "NL002",
    ),
    "dataclass_keyword": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    lr: float = 0.1\n",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    lr: float = 0.1\nC(learning=1)\n",
        "NL001",
    ),
    "method_keyword": (
        "class T:\n    def a(self, n): ...\n    def b(self):\n        self.a(n=1)\n",
        "class T:\n    def a(self, n): ...\n    def b(self):\n        self.a(m=1)\n",
        "NL001",
    ),
    "forward_returns_nothing": (
        "from torch import nn\nclass N(nn.Module):\n    def forward(self, x):\n        return x * 2\n",
        "from torch import nn\nclass N(nn.Module):\n    def forward(self, x):\n        x = x * 2\n",
        "NL003",
    ),
    "text_steps": (
        "import argparse\np = argparse.ArgumentParser()\n",
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('-n', '--steps', default='10')\n"
            "args = p.parse_args()\nfor i in range(args.steps):\n    pass\n"
        ),
        "NL005",
    ),
    "after_continue": (
        "for i in range(3):\n    print(i)\n",
        "for i in range(3):\n    continue\n    print(i)\n",
        "NL006",
    ),
    "debugger": ("x = 1\n", "x = 1\nbreakpoint()\n", "T100"),
    "star_typo": ("from math import *\n", "from math import *\nprint(sqtr(2))\n", "F405"),
    "flag_as_count": ("import re\n", "import re\nre.sub('a', 'b', 'c', re.IGNORECASE)\n", "B034"),
    "noqa_hides_nothing": ("x = 1\n", "# ruff: noqa\nx = y  # noqa: F821\n", "F821"),
    "type_ignore_hides_nothing": ("x = 1\n", "x = y  # type: ignore\n", "F821"),
    "fmt_off_hides_nothing": ("x = 1\n", "# fmt: off\nx = y\n# fmt: on\n", "F821"),
    "bidi": ("x = 1\n", "x = 'user\u202e \u2066# not\u2069 \u2066'\n", "PLE2502"),
}

HARMLESS: Final[dict[str, tuple[str, str]]] = {
    "literal": ("LR = 0.5\n", "LR = 0.3\n"),
    "unused_variable": ("def f(x):\n    return x\n", "def f(x):\n    width = x\n    return x\n"),
    "unused_series": ("def f(x1):\n    return x1\n", "def f(loss1):\n    loss2 = 3\n    return loss1\n"),
    "unused_import": ("import os\n", "import os\nimport sys\n"),
    "default_read_only": ("def f(x): ...\n", "def f(x, sizes=[1, 2]):\n    return x[sizes[0]]\n"),
    "default_copied": ("def f(x): ...\n", "def f(x, out=[]):\n    out = list(out)\n    out.append(x)\n"),
    "default_module": ("def f(x): ...\n", "from torch import nn\ndef f(x, act=nn.ReLU()):\n    return act(x)\n"),
    "nan_test": ("def f(x):\n    return x\n", "def f(x):\n    if x != x:\n        return 0\n    return x\n"),
    "lbfgs_closure": (
        "def f(o, loader): ...\n",
        "def f(o, loader):\n    for x in loader:\n        def closure():\n            return x\n        o.step(closure)\n",
    ),
    "sorted_by_loop_variable": (
        "def f(a): ...\n",
        "def f(a):\n    for k in 'ab':\n        a = sorted(a, key=lambda r: r[k])\n    return a\n",
    ),
    "bound_closure": ("h = []\n", "h = []\nfor k in range(3):\n    h.append(lambda v, k=k: v * k)\n"),
    "builtin_argument": ("def f(x): ...\n", "def f(input, max=3):\n    id = input\n    return id\n"),
    "loop_variable_remade": ("for l in ['a ']:\n    print(l)\n", "for l in ['a ']:\n    l = l.strip()\n    print(l)\n"),
    "two_loops": ("for i in range(3): print(i)\n", "for i in range(3): print(i)\nfor i in range(4): print(i)\n"),
    "property_setter": (
        "class A:\n    @property\n    def x(self):\n        return 1\n",
        "class A:\n    @property\n    def x(self):\n        return 1\n    @x.setter\n    def x(self, v): ...\n",
    ),
    "overload": (
        "from typing import overload\n",
        (
            "from typing import overload\n@overload\ndef f(x: int) -> int: ...\n@overload\ndef f(x: str) -> str: ...\n"
            "def f(x):\n    return x\n"
        ),
    ),
    "conditional_definition": (
        "import sys\n",
        "import sys\nif sys.argv:\n    def f():\n        return 1\nelse:\n    def f():\n        return 2\n",
    ),
    "import_tried": ("x = 1\n", "try:\n    import orjson as json\nexcept ImportError:\n    import json\nprint(json)\n"),
    "attribute_tried": ("import os\n", "import os\ntry:\n    os.fork\nexcept AttributeError:\n    print('no')\n"),
    "optional_result": (
        "def find(xs):\n    for x in xs:\n        if x:\n            return x\n",
        "def find(xs):\n    for x in xs:\n        if x:\n            return x\nprint(find([1]) + 1)\n",
    ),
    "procedure": ("def log(x):\n    print(x)\n", "def log(x):\n    print(x)\nresult = log(1)\nprint(result)\n"),
    "star_arguments": ("def fit(a, b=1): ...\n", "def fit(a, b=1): ...\nargs = [1, 2]\nfit(*args)\nfit(**{'a': 1})\n"),
    "replaced_function": (
        "def fit(a): ...\n",
        "import functools\ndef fit(a): ...\nfit = functools.partial(fit, a=1)\nfit()\n",
    ),
    "decorated_function": ("import click\n", "import click\n@click.command()\ndef main(a): ...\nmain()\n"),
    "inherited_init": (
        "class A:\n    def __init__(self, n): ...\n",
        "class A:\n    def __init__(self, n): ...\nclass B(A):\n    pass\nB(3)\nB(n=3)\n",
    ),
    "text_argument": (
        "import argparse\np = argparse.ArgumentParser()\n",
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('--tag', default='3')\n"
            "p.add_argument('--lr', type=float, default='0.1')\nargs = p.parse_args()\nprint(args.tag, args.lr * 2)\n"
        ),
    ),
    "empty_generator": ("def f(): ...\n", "def f():\n    return\n    yield\n"),
    "not_implemented": ("def f(): ...\n", "def f():\n    raise NotImplementedError\n    return 1\n"),
    "lines_moved": ("print(undefined_in_base)\n", "# a comment\n\nprint(undefined_in_base)\n"),
    "type_checking": (
        "x = 1\n",
        (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from os import PathLike\n"
            "def f(p: PathLike): ...\n"
        ),
    ),
    "array_axes": (
        "from jaxtyping import Float\n",
        "from jaxtyping import Float\ndef f(x: Float['T', 'batch dim'], y: Float['T', 'batch']): ...\n",
    ),
    "tuple_on_purpose": ("x = 1\n", "betas = 0.9,\nprint(*betas)\n"),
    "sentence_in_list": ("x = []\n", "x = [\n    'a long sentence that '\n    'goes on',\n    'another one',\n]\n"),
    "template": ("x = 1\n", "x = 1\nT = 'value: {x}'\nprint(T.format(x=x))\n"),
    "star_name": ("from math import *\n", "from math import *\nprint(sqrt(2))\n"),
    "worklist": ("todo = [1]\n", "todo = [1]\nfor t in todo:\n    if t < 3:\n        todo.append(t + 1)\n"),
    "memo": ("def f(x): ...\n", "def f(x, _cache={}):\n    _cache[x] = 1\n    return _cache\n"),
    "shape_pattern": ("def f(a): ...\n", "def f(a):\n    b, n, n = a.shape\n    return b, n\n"),
    "for_else_return": (
        "def f(a): ...\n",
        "def f(a):\n    for x in a:\n        if x:\n            return x\n    else:\n        return None\n",
    ),
    "wanted_debugger": ("x = 1\n", "import pdb\nx = 1\nif x == 'debug':\n    pdb.set_trace()\n"),
    "main_guard": ("def main(): ...\n", "def main(): ...\nif __name__ == '__main__':\n    main()\n"),
    "del_and_reuse": ("def f(x):\n    return x\n", "def f(x):\n    y = x\n    del x\n    x = y\n    return x\n"),
}
