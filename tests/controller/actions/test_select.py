"""Which files an action is given when the tree is small, large, or full of data."""

from nightlab.controller.actions.select import WORKSPACE_BYTES, sha256, workspace


def test_small_tree_is_given_whole_within_the_reads() -> None:
    files = {"b.py": b"b", "a.py": b"a", "c.txt": b"c"}
    message, notes = workspace(files, ["**/*.py", "**/*.toml"], ["a.py"], "d" * 64)
    assert [file.path for file in message.files] == ["a.py", "b.py"]
    assert message.files[0].sha256 == sha256(b"a")
    assert list(message.missing_globs) == ["**/*.toml"]
    assert (message.digest, list(message.entry_points), notes) == ("d" * 64, ["a.py"], ())


def test_large_tree_keeps_what_the_entry_point_mentions() -> None:
    big = b"#" * 900_000
    files = {f"data_{n}.py": big for n in range(3)} | {
        "main.py": b"import pkg.used\n",
        "pkg/used.py": b"from . import deep\n" + big,
        "pkg/deep.py": b"x = 1\n" + big,
        "small.py": b"y",
        "huge.py": b"#" * (WORKSPACE_BYTES + 1),
    }
    message, notes = workspace(files, ["**/*.py"], ["main.py"], "")
    assert [file.path for file in message.files] == ["main.py", "pkg/deep.py", "pkg/used.py", "small.py"]
    assert sum(len(file.content) for file in message.files) <= WORKSPACE_BYTES
    assert notes[0].severity == "warning" and "4 files" in notes[0].summary and "huge.py" in notes[0].detail
