"""Finds the command that trains: in the image, in shell scripts, README, Makefile, console scripts and script names.

Each candidate has its reason and a weight; nothing is run or imported. Trying them is `onboard`'s.
"""

from __future__ import annotations

import posixpath
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.model.tree import Tree
from nightlab.controller.onboarding.programs import (
    as_text,
    base_name,
    does_nothing,
    hands_over,
    is_interpreter,
    plain,
    serves,
    without_init,
)

Reader = Callable[[str], str]
Entrypoint = Literal["image", "none"]
MOST_SCRIPTS: Final = 400
MOST_CANDIDATES: Final = 8
TRAIN_WORD: Final = re.compile(
    r"(?:^|[^a-z])(?:pre)?(?:train|trainer|training|finetune|fine[_-]tune|fit|sft)(?:$|[^a-z])"
)
OTHER_WORD: Final = re.compile(
    r"eval|test|infer|predict|generate|sample|serve|demo|plot|download|prepare|preprocess|export|convert|setup|install|build|lint|benchmark|docs?\b"
)
LOOP: Final = re.compile(
    r"\.backward\(|\.step\(|\.fit\(|\.zero_grad\(|for epoch in|for step in|for it(?:er)? in|GradientTape|jax\.grad|"
    r"value_and_grad|\boptimi[sz]er\b|Trainer\(|\.train\(|learning_rate|\blr\b"
)
GUARD: Final = re.compile(r"(?m)^if __name__ == ['\"]__main__['\"]")
RELATIVE: Final = re.compile(r"(?m)^\s*from \.+\w* import ")
FENCE: Final = re.compile(r"(?ms)^[ \t]*(?:```|~~~)[^\n]*\n(.*?)^[ \t]*(?:```|~~~)")
COMMAND: Final = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:python3?|torchrun|accelerate|deepspeed|uv run|poetry run|bash|sh|make|\./)[ \w/.]"
)
PLACEHOLDER: Final = re.compile(r"<[^>]*>|\.\.\.|path/to|/your|\byour_|\{[^}]*\}|\$\w|[|;&`]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A command that may train.

    Attributes:
        argv: Its words, without the image's ENTRYPOINT.
        entrypoint: Whether the image's ENTRYPOINT goes before it.
        weight: Larger is more likely.
        reason: Why it is one.
    """

    argv: tuple[str, ...]
    entrypoint: Entrypoint
    weight: int
    reason: str

    @property
    def text(self) -> str:
        """As a person would type it."""
        return as_text(self.argv)


def find_commands(facts: ImageFacts, tree: Tree, read: Reader) -> list[Candidate]:
    """Return what may train, most likely first, each command once.

    Args:
        facts: Of the image.
        tree: The repo.
        read: Returns the text of a file of the tree.
    """
    prefix, entrypoint = _prefix(facts, tree, read)
    found = [*_of_image(facts, entrypoint), *_of_repo(tree, read, entrypoint)]
    named = [_prefixed(candidate, prefix) for candidate in found]
    best: dict[tuple[str, ...], Candidate] = {}
    for candidate in sorted(named, key=lambda each: -each.weight):
        best.setdefault(candidate.argv, candidate)
    return list(best.values())[:MOST_CANDIDATES]


def given_command(text: str, facts: ImageFacts, tree: Tree, read: Reader) -> Candidate:
    """Return the user's own command, with the ENTRYPOINT where that is a wrapper.

    Raises:
        ValueError: The quotes do not match.
    """
    _, entrypoint = _prefix(facts, tree, read)
    return Candidate(tuple(shlex.split(text)), entrypoint, 1000, "you named it")


def in_tree(argv: tuple[str, ...], tree: Tree, *, workspace: str, workdir: str) -> tuple[str, ...]:
    """Return a command that starts the repo's own file where the image has a copy of it elsewhere.

    After `COPY src /app`, `python train.py` would start a copy that no edit reaches; `python src/train.py` is the same
    script where the repo has it.
    """
    return tuple(_tracked(word, tree, workspace, workdir) for word in argv)


def _tracked(word: str, tree: Tree, workspace: str, workdir: str) -> str:
    path = posixpath.normpath(posixpath.join(workdir, word))
    is_script = word.endswith((".py", ".sh")) and " " not in word
    if not is_script or path.removeprefix(f"{workspace}/") in tree.by_path or path.startswith("/usr/"):
        return word
    name = word.removeprefix("./").lstrip("/")
    tails = ["/".join(name.split("/")[k:]) for k in range(name.count("/") + 1)]
    for tail in tails:
        found = [entry.path for entry in tree.entries if entry.path.endswith(f"/{tail}") or entry.path == tail]
        if len(found) == 1:
            return posixpath.relpath(posixpath.join(workspace, found[0]), workdir)
    return word


# The image


def _prefix(facts: ImageFacts, tree: Tree, read: Reader) -> tuple[tuple[str, ...], Entrypoint]:
    """Return what goes before a bare script's words, and whether the ENTRYPOINT is a wrapper."""
    entry = without_init(facts.entrypoint)
    if not entry:
        return (), "none"
    if is_interpreter(plain(entry)):
        return plain(entry), "none"
    script = _script_of(entry, tree)
    if script is not None:
        return (), "image" if hands_over(read(script)) else "none"
    is_wrapper = base_name(entry[0]).endswith((".sh", "entrypoint", "entrypoint.bash")) and len(entry) == 1
    return (), "image" if is_wrapper else "none"


def _script_of(argv: tuple[str, ...], tree: Tree) -> str | None:
    """Return the file of the repo that an ENTRYPOINT starts; the build may have put it elsewhere."""
    name = next((base_name(word) for word in argv if word.endswith((".sh", ".bash", "entrypoint"))), "")
    paths = [entry.path for entry in tree.entries if name and base_name(entry.path) == name]
    return min(paths, key=lambda path: path.count("/"), default=None)


def _of_image(facts: ImageFacts, entrypoint: Entrypoint) -> Iterator[Candidate]:
    if entrypoint == "image":
        command = plain(facts.command)
        if not does_nothing(command):
            yield Candidate(command, "image", _weight(command, 100), "the image's CMD, behind its ENTRYPOINT")
        return
    entry = without_init(facts.entrypoint)
    is_shell_form = len(entry) == 3 and entry[1] == "-c"  # the engine ignores CMD behind it
    argv = plain(entry) if is_shell_form else (*entry, *facts.command) if entry else plain(facts.command)
    if does_nothing(argv) or (is_interpreter(argv) and not facts.command):
        return
    name = "ENTRYPOINT and CMD" if entry and facts.command else "ENTRYPOINT" if entry else "CMD"
    yield Candidate(tuple(argv), "none", _weight(argv, 100), f"the image's {name}")


def _weight(argv: Iterable[str], weight: int) -> int:
    words = list(argv)
    text = " ".join(words).lower()
    if serves(words):
        return 5
    return weight + (10 if TRAIN_WORD.search(text) else -25 if OTHER_WORD.search(text) else 0)


def _prefixed(candidate: Candidate, prefix: tuple[str, ...]) -> Candidate:
    """Put an interpreter of the ENTRYPOINT (`conda run -n env`) before a command of the repo's."""
    if not prefix or candidate.reason.startswith("the image's"):
        return candidate
    starts_python = base_name(prefix[0]).startswith("python")
    argv = candidate.argv[1:] if starts_python and base_name(candidate.argv[0]).startswith("python") else candidate.argv
    return Candidate((*prefix, *argv), candidate.entrypoint, candidate.weight, candidate.reason)


# The repo


def _of_repo(tree: Tree, read: Reader, entrypoint: Entrypoint) -> Iterator[Candidate]:
    paths = {entry.path for entry in tree.entries}
    for argv, weight, reason in (
        *_shell_scripts(paths),
        *_readme(paths, read),
        *_makefile(paths, read),
        *_console_scripts(paths, read),
        *_python_scripts(paths, read),
    ):
        yield Candidate(argv, entrypoint, weight, reason)


Found = tuple[tuple[str, ...], int, str]


def _shell_scripts(paths: set[str]) -> Iterator[Found]:
    for path in sorted(paths):
        name = path.lower()
        if name.endswith(".sh") and path.count("/") < 3 and "entrypoint" not in name:
            if TRAIN_WORD.search(PurePosixPath(name).stem):
                yield ("bash", path), 62 - 4 * path.count("/"), f"{path} is a script whose name says that it trains"
            elif PurePosixPath(name).stem in ("run", "main", "start"):
                yield ("bash", path), 40 - 4 * path.count("/"), f"{path} is a script that runs something"


def _readme(paths: set[str], read: Reader) -> Iterator[Found]:
    readmes = [path for path in paths if re.fullmatch(r"readme(\.\w+)?", path.lower())]
    for path in sorted(readmes):
        for order, line in enumerate(_commands_of(read(path))):
            argv = _words(line)
            if argv and not does_nothing(argv) and _is_known(argv, paths):
                yield argv, _weight(argv, 58 - min(order, 10)), f"{path} says how to run it"


def _commands_of(text: str) -> list[str]:
    """Return the lines of code blocks that look like commands; a backslash goes on with the next line."""
    blocks = FENCE.findall(text)
    indented = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    inline = re.findall(r"`((?:python3?|torchrun|bash|uv run) [^`\n]+)`", text)
    joined = "\n".join([*blocks, *indented]).replace("\\\n", " ")
    lines = [line.strip().removeprefix("$ ").removeprefix("> ").strip() for line in joined.splitlines()]
    return [line for line in [*lines, *inline] if COMMAND.match(line) and not PLACEHOLDER.search(line)]


def _words(line: str) -> tuple[str, ...]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return ()
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        if words[0].startswith("CUDA_VISIBLE_DEVICES="):
            words.pop(0)
        else:
            return ("env", *words)
    return tuple(words)


def _is_known(argv: tuple[str, ...], paths: set[str]) -> bool:
    """Whether the script or module that a command starts is in the repo."""
    for index, word in enumerate(argv):
        if word == "-m" and index + 1 < len(argv):
            module = argv[index + 1].replace(".", "/")
            return any(f"{root}{module}{end}" in paths for root in ("", "src/") for end in (".py", "/__main__.py"))
        if word.endswith((".py", ".sh")):
            return word.removeprefix("./") in paths
    return base_name(argv[0]) == "make" and len(argv) == 2


def _makefile(paths: set[str], read: Reader) -> Iterator[Found]:
    name = next((path for path in ("Makefile", "makefile", "GNUmakefile") if path in paths), None)
    if name is None:
        return
    for target, recipe in re.findall(r"(?m)^([\w-]+)\s*:[^=\n]*\n((?:\t[^\n]*\n?)+)", read(name)):
        if not TRAIN_WORD.search(target.lower()) and target not in ("run", "all"):
            continue
        lines = [line.strip().lstrip("@-") for line in recipe.splitlines() if line.strip()]
        argv = _words(lines[0]) if len(lines) == 1 and not PLACEHOLDER.search(lines[0]) else ()
        weight = 56 if TRAIN_WORD.search(target.lower()) else 35
        yield argv or ("make", target), weight, f"target {target} of the {name}"


def _console_scripts(paths: set[str], read: Reader) -> Iterator[Found]:
    if "pyproject.toml" not in paths:
        return
    try:
        project: Any = tomllib.loads(read("pyproject.toml")).get("project", {})
        scripts = dict(project.get("scripts", {}))
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, ValueError, RecursionError):
        return
    for script, target in scripts.items():
        text = f"{script} {target}".lower()
        if TRAIN_WORD.search(text) or (len(scripts) == 1 and not OTHER_WORD.search(text)):
            module = str(target).partition(":")[0]
            yield (str(script),), 50, f"console script of pyproject.toml ({module})"


def _python_scripts(paths: set[str], read: Reader) -> Iterator[Found]:
    sources = sorted((p for p in paths if p.endswith(".py")), key=lambda p: (p.count("/"), p))[:MOST_SCRIPTS]
    for path in sources:
        stem = PurePosixPath(path).stem.lower()
        if re.search(r"(^|/)(tests?|docs?|examples?)/", path) or stem.startswith(
            ("test_", "__init__", "setup", "conftest")
        ):
            continue
        text = read(path)
        evidence = len(set(LOOP.findall(text)))
        named = bool(TRAIN_WORD.search(stem))
        if not named and (evidence < 2 or OTHER_WORD.search(stem)):
            continue
        if not GUARD.search(text) and not named and stem not in ("main", "run"):
            continue
        weight = 20 + min(evidence, 5) * 3 + (18 if named else 8 if stem in ("main", "run", "__main__") else 0)
        weight += (6 if stem == "train" else 0) + (5 if GUARD.search(text) else 0) - 3 * path.count("/")
        yield _python(path, text, paths), weight, f"{path} looks like a training script ({evidence} signs of a loop)"


def _python(path: str, text: str, paths: set[str]) -> tuple[str, ...]:
    """Start a script as a module where it is part of a package."""
    parent = str(PurePosixPath(path).parent)
    is_package = f"{parent}/__init__.py" in paths
    if path.endswith("/__main__.py") or (is_package and (RELATIVE.search(text) or _imports_own(text, path))):
        module = path.removesuffix(".py").removesuffix("/__main__").removeprefix("src/").replace("/", ".")
        return ("python3", "-m", module)
    return ("python3", path)


def _imports_own(text: str, path: str) -> bool:
    package = path.removeprefix("src/").split("/", 1)[0]
    return re.search(rf"(?m)^\s*(?:from|import) {re.escape(package)}\b", text) is not None
