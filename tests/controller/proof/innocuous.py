"""A program of many small fixes that change nothing, to hide a harmful one among."""

from __future__ import annotations

RULES = (
    *("E711", "E712", "E713", "E714", "C401", "C405", "C408", "C416", "C417", "SIM118", "SIM103", "UP004", "UP012"),
    *("UP032", "UP034", "F541", "PLR5501", "RET505", "PIE790", "PIE810", "PLR1714", "RUF010", "E703", "C414"),
)

SOURCE = '''

class _Bag(object):
    """Holds words."""

    pass


def _innocuous(words, table, missing=None):
    found = set([1, 2, 3])
    options = dict()
    same = [word for word in words]
    lengths = set(len(word) for word in words)
    doubled = list(map(lambda word: word + word, words))
    if missing == None:
        options["missing"] = (1)
    if not "zebra" in words:
        options["zebra"] = f"none"
    if not missing is None:
        options["given"] = True
    if "a" in table.keys():
        options["a"] = "{} and {}".format(words[0], len(words))
    if options.get("missing") == True:
        options["true"] = 1;
    else:
        if len(words) == 2 or len(words) == 3:
            options["few"] = f"{str(words[0])}"
    if words[0].startswith("a") or words[0].startswith("b"):
        options["start"] = "word".encode("utf-8")
    return found, options, same, sorted(lengths), doubled, sorted(list(words))


def _is_long(word):
    if len(word) > 3:
        return True
    else:
        return False


print("innocuous:", _innocuous(["alpha", "be", "c"], {"a": 1}), _is_long("word"), _Bag.__doc__)
'''
