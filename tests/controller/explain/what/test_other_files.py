"""What is said of files that are no Python: by key, by line, by size."""

import pytest

from nightlab.controller.explain.what.canonical import canonical
from nightlab.controller.explain.what.changes import changes
from nightlab.controller.model.change import Effect


def told(path, before, after):
    (change,) = changes(
        {} if before is None else {path: before.encode()}, {} if after is None else {path: after.encode()}, {}
    )
    return change.effect, [str(fact) for fact in change.facts]


KEYED = [
    ("c.toml", "[optimizer]\nlr = 0.05\n", "# new\n[optimizer]\nlr = 0.5\n", ["`optimizer.lr` 0.05 -> 0.5, c.toml:3"]),
    ("c.toml", "a = 1\n", "a = 1\nb = 'x'\n", ["`b` added: 'x', c.toml:2"]),
    ("c.toml", "a = 1\nb = 'x'\n", "a = 1\n", ["`b` removed (was 'x'), c.toml"]),
    ("c.toml", "a = 1\nb = 2\n", "b = 2\na = 1\n", ["keys of the file in another order, same values, c.toml"]),
    ("c.yaml", "opt:\n  lr: 0.1\n  wd: [1, 2]\n", "opt:\n  lr: 0.1\n  wd: [1, 3]\n", ["`opt.wd[1]` 2 -> 3, c.yaml:3"]),
    ("c.yml", "on: true\n", "on: false\n", ["`True` true -> false, c.yml"]),
    ("c.yaml", "a: 1\n---\nb: 2\n", "a: 1\n---\nb: 3\n", ["`documents[1].b` 2 -> 3, c.yaml"]),
    ("c.yaml", "m: !model {n: 1}\n", "m: !model {n: 2}\n", ["`m.!model.n` 1 -> 2, c.yaml:1"]),
    ("c.json", '{"a": {"b": 1}}', '{"a": {"b": 1.0}}', ["`a.b` 1 -> 1.0, c.json:1"]),
    ("c.json", '{"a": null}', '{"a": [1, 2]}', ["`a` null -> [1, 2], c.json:1"]),
]


@pytest.mark.parametrize(("path", "before", "after", "facts"), KEYED)
def test_settings_are_told_by_key(path, before, after, facts):
    effect, found = told(path, before, after)
    assert effect is Effect.BEHAVIOUR
    assert found == facts or [fact.rpartition(":")[0] for fact in found] == facts


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("c.toml", "lr = 1e-3\n", "# note\nlr   =   0.001\n"),
        ("c.yaml", "a: [1, 2]\n", "a:\n  - 1\n  - 2  # two\n"),
        ("c.json", '{"a":1}', '{\n  "a": 1\n}\n'),
    ],
)
def test_comments_and_format_of_settings_are_told_as_such(path, before, after):
    assert told(path, before, after) == (
        Effect.SAME_PROGRAM,
        [f"comments and format only, same values, {path}"],
    )
    assert canonical({path: before.encode()}) == canonical({path: after.encode()})


def test_broken_settings_are_told_with_the_lines():
    effect, facts = told("c.toml", "a = 1\n", "a = \n")
    assert effect is Effect.BEHAVIOUR
    assert facts[0].startswith("cannot be read as TOML any more: Invalid value")
    assert facts[1] == "`a` 1 -> nothing, c.toml:1"


LINES = [
    ("run.sh", "export LR=0.1\n", "export LR=0.2\n", "`LR` 0.1 -> 0.2, run.sh:1"),
    ("a.ini", "lr = 0.1\n", "lr = 0.2\n", "`lr` 0.1 -> 0.2, a.ini:1"),
    (
        "run.sh",
        "python t.py --steps 10 a\n",
        "python t.py --steps 20 a\n",
        "10 -> 20 in `python t.py --steps 20 a`, run.sh:1",
    ),
    ("r.txt", "torch\nnumpy\n", "torch\n", "line removed: `numpy`, r.txt:2"),
    ("r.txt", "torch\n", "torch\nnumpy\n", "line added: `numpy`, r.txt:2"),
    ("a.md", "one two\n", "one three\n", "`one two` became `one three`, a.md:1"),
    ("a.md", "a\nb\n", "a\r\nb\r\n", "line ends LF -> CRLF, a.md"),
    ("a.md", "a  b\n", "a b\n", "white space in `a b`, a.md:1"),
]


@pytest.mark.parametrize(("path", "before", "after", "fact"), LINES)
def test_other_texts_are_told_by_line(path, before, after, fact):
    assert told(path, before, after) == (Effect.BEHAVIOUR, [fact])


@pytest.mark.parametrize(
    ("before", "after", "fact"),
    [
        (None, "a\nb\n", "file added, 2 lines, t.py"),
        ("a\n", None, "file removed, 1 line, t.py"),
        (None, "def f(:\n", "file added, 1 line, does not parse: invalid syntax, t.py:1"),
    ],
)
def test_file_that_comes_or_goes_is_told_by_its_lines(before, after, fact):
    assert told("t.py", before, after) == (Effect.BEHAVIOUR, [fact])


def test_binary_is_told_by_size_and_hash():
    (change,) = changes({"w.bin": b"\0" * 1000}, {"w.bin": b"\0" * 1001}, {})
    assert change.facts[0].text == "1,000 -> 1,001 bytes, sha256 541b3e9d -> 2f33b022 (binary)"
    assert change.diff == ""


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("m.py", "x = 1\n", "x = 1.0\n"),
        ("m.py", "def f():\n    'a'\n", "def f():\n    'b'\n"),
        ("m.py", "x = 'a'\n", "x = b'a'\n"),
        ("m.py", "x = (1, 2)\n", "x = [1, 2]\n"),
        ("c.toml", "a = 1\n", "a = '1'\n"),
        ("c.json", '{"a": 1}', '{"a": true}'),
        ("c.yaml", "a: 1\nb: 2\n", "b: 2\na: 1\n"),
        ("a.txt", "a\n", "a \n"),
        ("m.py", "x = (\n", "x = ( \n"),
    ],
)
def test_other_programs_have_other_digests(path, one, other):
    assert canonical({path: one.encode()}) != canonical({path: other.encode()})
