"""Programs that look at their own text are found; those that only take paths apart are not accused."""

import pytest

from nightlab.controller.explain.docstring_reading import reads_docstrings
from nightlab.controller.explain.self_reading import reads_itself
from nightlab.controller.explain.what.changes import changes
from nightlab.controller.model.change import Effect

READING = [
    "import inspect\nx = inspect.getsource(f)",
    "from inspect import getsource\nx = getsource(f)",
    "n = f.__code__.co_firstlineno",
    "n = sys._getframe().f_lineno",
    "n = inspect.currentframe()",
    "import linecache",
    "x = inspect.stack()[1]",
    "x = open(__file__).read()",
    "x = open(__file__, 'rb')",
    "x = Path(__file__).read_bytes()",
    "me = Path(__file__).resolve()\nx = me.read_text()",
    "me = os.path.abspath(__file__)\nme2 = me\nx = sha(open(me2).read())",
    "x = hashlib.file_digest(__file__)",
    "x = fingerprint(__file__)",
    "x = os.path.getmtime(__file__)",
    "x = open(sys.argv[0]).read()",
    "x = open('train.py').read()",
    "x = Path('src/model.py').read_text()",
    "x = [p.read_text() for p in here.glob('*.py')]",
    "try:\n    f()\nexcept E as e:\n    n = e.__traceback__.tb_lineno",
    "try:\n    f()\nexcept E:\n    seen.add(traceback.format_exc())",
    "x = traceback.extract_stack()",
    "x = logging.getLogger().findCaller()",
]
HARMLESS = [
    "here = os.path.dirname(os.path.abspath(__file__))\nx = open(os.path.join(here, 'data.txt')).read()",
    "ROOT = Path(__file__).resolve().parent\nx = (ROOT / 'config.yaml').read_text()",
    "x = open(Path(__file__).parents[1] / 'data.bin')",
    "print(__file__)",
    "shutil.copy(__file__, run_dir)",
    "sys.path.insert(0, str(Path(__file__).parent))",
    "try:\n    f()\nexcept E:\n    print(traceback.format_exc())",
    "try:\n    f()\nexcept E:\n    traceback.print_exc()",
    "subprocess.run([sys.executable, 'train.py'])",
    "name = os.path.basename(__file__)\nprint(name)",
    "args = sys.argv[1:]",
    "getsource_count = 3",
    "stack = []\nstack.append(1)\ntorch.stack(x)",
]


@pytest.mark.parametrize("program", READING)
def test_look_at_the_own_text_is_found(program):
    assert reads_itself({"m.py": program.encode()})


@pytest.mark.parametrize("program", HARMLESS)
def test_use_of_the_own_path_is_no_look_at_the_text(program):
    assert reads_itself({"m.py": program.encode()}) == ()


def test_reason_names_the_place_and_the_effect_follows():
    rest = {"lib.py": b"import inspect\n\nkey = inspect.getsource(main)\n"}
    (change,) = changes({"m.py": b"x=1\n"}, {"m.py": b"x = 1\n"}, rest)
    assert change.effect is Effect.BEHAVIOUR
    assert change.facts[-1].text == "the program looks at its own text: `getsource` in lib.py:3"
    (change,) = changes({"m.py": b"x=1\n"}, {"m.py": b"x = 1\n"}, {"lib.py": b"y = 1\n"})
    assert change.effect is Effect.SAME_PROGRAM


DOCUMENTED = "{head}\n    'A{n}.'\n    pass\n"


@pytest.mark.parametrize(
    ("head", "rest", "is_read"),
    [
        ("def f():", "", False),
        ("def f():", "x = f.__doc__", True),
        ("def f():", "x = getattr(f, '__doc__')", True),
        ("def f():", "import inspect\nx = inspect.getdoc(f)", True),
        ("def f():", "from docopt import docopt\ndocopt(x)", True),
        ("@app.command()\ndef f():", "", True),
        ("@tool\ndef f():", "", True),
        ("@torch.no_grad()\ndef f():", "", False),
        ("@property\ndef f():", "", False),
        ("class A(nn.Module):", "", False),
        ("class A(dspy.Signature):", "", True),
        ("class A(Base):", "class Base(nn.Module): pass", False),
        ("class A(Base):", "class Base(Signature): pass", True),
        ("class A(metaclass=M):", "", True),
    ],
)
def test_docstring_that_somebody_reads_may_change_behaviour(head, rest, is_read):
    before, after = (DOCUMENTED.format(head=head, n=n).encode() for n in (1, 2))
    sources = {"m.py": after, "rest.py": rest.encode()}
    assert bool(reads_docstrings(before, after, sources)) is is_read
    (change,) = changes({"m.py": before}, {"m.py": after}, {"rest.py": rest.encode()})
    assert change.effect is (Effect.BEHAVIOUR if is_read else Effect.DOCSTRING)
