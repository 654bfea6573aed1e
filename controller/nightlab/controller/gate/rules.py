"""The blocking set: code that cannot run, or cannot mean what it says. Style, age and speed of code are nobody's fault.

CERTAIN rules block by ruff's word alone. WEIGHED rules are right in some places and taste in others: `explain.weigh`
looks at the program and keeps those that bite. nightlab's own rules (NL001, ...) are there too.
"""

from __future__ import annotations

from typing import Final

SYNTAX: Final = "invalid-syntax"
BREAKS_RUFF: Final = "NL000"

# What makes a rule certain: the line raises as soon as it runs, can never run, or has no effect its author can want.
CERTAIN: Final = (
    # It cannot be read at all. Syntax errors, of the target version too, are reported whatever is selected.
    "E902",
    # Imports and names: not defined, defined later, gone at run time, exported but missing.
    *("F404", "F406", "F407", "F821", "F822", "F823", "PLE0117", "PLE0118", "PLE0115", "TC004", "PLE0604"),
    # Statements where Python or the caller has no use for them.
    *("F701", "F702", "F704", "F706", "F707", "F621", "F622", "F633", "PLE0100", "PLE0101", "PLE0116", "PLE0704"),
    *("PLE1142", "PLE1700", "PLR1708", "PLW0245"),
    # Annotations that are evaluated and cannot be: a bad forward reference, `X | None` on a Python without it.
    *("F722", "FA102", "B032"),
    # Format strings and their arguments, of logging too.
    *("F501", "F502", "F503", "F504", "F505", "F506", "F507", "F508", "F509", "F521", "F522", "F523", "F524", "F525"),
    *("PLE1205", "PLE1206", "PLE1300", "PLE1307", "G101", "RUF073"),
    # Exceptions: raised that are none, made and not raised, caught by a class that is none or that was caught above.
    *("F901", "B016", "PLW0133", "PLW0711", "B025", "B029", "B030", "B012", "B022"),
    # Asserts and conditions that are always true or always false.
    *("F631", "F632", "F634", "PLW0129", "PLW0177", "PLR0133", "RUF030", "RUF034", "RUF040", "RUF060"),
    *("SIM220", "SIM221", "SIM222", "SIM223", "YTT101", "YTT102", "YTT103", "YTT302", "YTT303"),
    # Classes that Python refuses to make, and special methods that it will refuse to call.
    *("PLE0237", "PLE0241", "PLE0302", "PLE0303", "PLE0304", "PLE0305", "PLE0307", "PLE0308", "PLE0309", "PLE1519"),
    *("PLE1520", "PLR0206", "RUF008", "RUF033", "RUF049", "RUF053", "PIE796"),
    # Calls whose argument is wrong, or that do something else than they seem to.
    *("PLE1132", "PLE1310", "PLE1507", "PLW1501", "PLW1507", "RUF016", "RUF026", "RUF064", "B002", "B003", "B005"),
    *("NPY001", "NPY003", "NPY201", "RUF024", "PLW2101"),
    # Loops and iterators: a set changed while it is walked, keys without items, a group read twice, one key for all.
    *("PLE0643", "PLE1141", "PLE4703", "B031", "B035"),
    # A task or a coroutine that nobody waits for.
    *("RUF006", "ASYNC105"),
    # Text that reads in another order than it runs, or holds what cannot be seen.
    *("PLE2502", "PLE2514", "PLE2515"),
)  # fmt: skip

WEIGHED: Final[dict[str, str]] = {
    "A001": "a builtin is hidden by something that cannot be called, and is called later",
    "B006": "a default that is made once is changed in place, or handed out",
    "B008": "a default that is computed once should differ from call to call",
    "B015": "a comparison whose result nobody sees; an exception may be what it is for",
    "B018": "an expression without effect; an exception may be what it is for",
    "B020": "a loop overwrites what it walks, and that is read again",
    "B023": "a function outlives the loop whose variable it reads",
    "B034": "flags where a count is expected",
    "B909": "a list or dict is changed while it is walked",
    "COM818": "a comma at the end of the line makes a tuple of a value",
    "F402": "a loop variable replaces an import that is used afterwards",
    "F405": "a name that no star import provides",
    "F601": "a key is there twice with two values",
    "F602": "a key is there twice with two values",
    "F811": "a function is defined twice with two bodies",
    "F841": "a variable that is never read, one letter away from one that is",
    "ISC004": "a comma is missing between two strings",
    "PIE794": "a field is there twice with two values",
    "PLE0211": "a method without self is called on an instance",
    "PLE0605": "__all__ is a string",
    "PLR0124": "a comparison with itself that is not the test for NaN",
    "PLW0120": "an else of a loop that can never be left early",
    "PLW0127": "a variable is assigned to itself",
    "PLW0128": "a name is assigned twice in one statement",
    "PLW2901": "an inner loop overwrites the variable of the outer one, which is read again",
    "RUF009": "a default that is computed once should differ from instance to instance",
    "RUF027": "an f is missing before a string that is printed",
    "T100": "a debugger waits for a keyboard",
}

OWN: Final[dict[str, str]] = {
    BREAKS_RUFF: "a file that breaks ruff, and may break Python",
    "NL001": "a keyword that the called function of this tree does not have",
    "NL002": "too many or too few arguments for the called function of this tree",
    "NL003": "the result of a function is used that never returns one",
    "NL004": "the result of a function is used that returns none on some path",
    "NL005": "a command-line argument that stays text is used as a number",
    "NL006": "code that no path reaches",
    "NL007": "a value where an annotation is expected: `:` for `=`",
    "NL008": "a list is replaced by what its method returns, which is none",
    "NL009": "a coroutine that nobody waits for",
}

SELECTED: Final = (*CERTAIN, *WEIGHED)


# They block by ruff's word, unless a second look shows that it reads the axes of an array as names.
CAUTIOUS: Final = frozenset({"F722", "F821"})


def needs_weighing(code: str) -> bool:
    """Tell whether a second look is taken at a rule's findings."""
    return code in WEIGHED or code in CAUTIOUS
