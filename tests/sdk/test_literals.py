"""Expressions are replaced and every other byte stays."""

import pytest

from nightlab.sdk.literals import replace_expressions


@pytest.mark.parametrize(
    "source",
    [
        b"lr = 0.1",
        b"\xef\xbb\xbf# bom\nx = 1\nlr = 0.1  # c\n",
        b"a = 1; lr = 0.1; b = 2\r\nif a:\r\n\tc = (  3 )\r\n",
        b"@deco(\n  lr = 0.1 )\ndef f(): pass\n\x0cy = 2\n",
        "s = '☃'; d = {'lr': 0.1, 'é': [1,\n 2]}\n".encode(),
        b"x = [\n  -0.1, # c\n]\n",
        b"if True:\n  pass\nelse:\n  lr = 0.1\n",
    ],
)
def test_every_other_byte_stays(source: bytes) -> None:
    at = source.index(b"0.1")
    at -= source[at - 1 : at] == b"-"
    end = source.index(b"0.1") + 3
    assert replace_expressions(source, {(at, end): "2e-5"}) == source[:at] + b"2e-5" + source[end:]


@pytest.mark.parametrize("span", [(0, 2), (0, 8), (4, 5), (100, 101), (9, 14)])
def test_only_literals_are_replaced(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="holds no"):
        replace_expressions(b"lr = 0.1\nfoo(1)\n", {span: "2"} if span != (0, 2) else {(0, 3): "2"})


def test_new_text_must_be_an_expression() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        replace_expressions(b"lr = 0.1\n", {(5, 8): "1; import os"})
