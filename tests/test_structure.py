"""The shape of the whole: who may import whom, what no module may do, what every module says of itself.

Everything is read from the sources, so a broken rule is named by its file and line.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOTS = {"api": "proto", "controller": "controller", "sandbox": "sandbox", "sdk": "plugins", "plugins": "plugins"}

# Which part of nightlab may import which, and what of others a part that runs beside untrusted code may load.
PARTS = {
    "api": {"api"},
    "sandbox": {"api", "sandbox"},
    "sdk": {"api", "sdk"},
    "plugins": {"api", "sdk", "plugins"},
    "controller": {"api", "controller"},
}
# What offers the conformance kit to people; it is no part of the controller, because plugins are checked without one.
OFFERS_THE_KIT = {"controller/cli/plugin_check.py", "controller/plugins/image_target.py"}
LOADED_BY = {
    "api": {"grpc", "google"},
    "sandbox": {"grpc", "google", "structlog"},
    "sdk": {"grpc", "google", "structlog", "libcst"},
    "plugins": {"libcst", "yaml"},
}

# Which package of the controller may import which. A package that is not here may import nothing and be imported by
# nothing: write its edges down, downwards only.
EVERYWHERE = {"errors", "text", "version"}
EDGES: dict[str, set[str]] = {
    "errors": set(),
    "text": set(),
    "version": set(),
    "model": set(),
    "child": set(),
    "config": {"model"},
    "engine": set(),
    "explain": {"child", "model"},
    "gate": {"explain", "model"},
    "link": {"model"},
    "store": {"model"},
    "repo": {"config", "model"},
    "actions": {"child", "config", "model"},
    "search": {"config", "model"},
    "scoring": {"config", "model"},
    "host": {"config", "engine"},
    "images": {"host"},
    "plugins": {"actions", "child", "config", "containers", "engine", "images", "link", "model", "repo", "store"},
    "containers": {"config", "engine", "images", "link", "model", "repo", "store"},
    "report": {"config", "host", "model", "plugins"},
    "trial": {
        *("config", "containers", "engine", "explain", "gate", "images", "link", "model", "repo", "scoring", "store"),
    },
    "proof": {"config", "explain", "model"},
    "study": {
        *("actions", "config", "engine", "explain", "gate", "images", "link", "model"),
        *("plugins", "proof", "repo", "report", "scoring", "search", "store", "trial"),
    },
    "inspection": {
        *("actions", "child", "config", "engine", "explain", "gate", "images", "link", "model"),
        *("proof", "repo", "report", "scoring", "store", "study", "trial"),
    },
    "onboarding": {
        *("actions", "config", "engine", "explain", "gate", "images", "link", "model"),
        *("plugins", "repo", "report", "scoring", "search", "store", "study", "trial"),
    },
    "cli": {
        *("actions", "config", "engine", "host", "images", "inspection", "model", "onboarding", "plugins"),
        *("repo", "report", "store", "study"),
    },
    "bench": {
        *("actions", "cli", "config", "engine", "explain", "gate", "images", "inspection", "link", "model"),
        *("plugins", "proof", "repo", "search", "store", "study", "trial"),
    },
}

# Names that run what somebody else wrote, or that hang on what a container holds.
FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "tarfile", "zipfile"}
FORBIDDEN_CALLS = {
    *("exec_run", "exec_create", "exec_start", "get_archive", "put_archive"),
    *("extractall", "unpack_archive", "popen", "system", "unsafe_load", "full_load"),
}
FORBIDDEN_BUILTINS = {"eval", "exec", "__import__"}
# The bench measures bare Docker by what nightlab itself never uses.
MEASURES_DOCKER = "controller/bench/bare.py"
STARTS_GIT = {"controller/repo/git.py", "controller/host/checkup.py"}

MOST_LINES = 400
HOSTS = re.compile(r"https?://([A-Za-z0-9.-]+)")
KNOWN_HOSTS = {
    *("www.apache.org", "www.w3.org", "json-schema.org", "download.pytorch.org", "keepachangelog.com", "semver.org"),
    *("docs.docker.com", "gvisor.dev", "example.com", "example.test", "evil.example", "github.com", "localhost"),
}


def sources(part: str) -> list[Path]:
    """Return the modules of a part that people write."""
    found = (ROOT / ROOTS[part] / "nightlab" / part).rglob("*.py")
    return sorted(path for path in found if not path.stem.endswith(("_pb2", "_pb2_grpc")))


EVERYTHING = [path for part in PARTS for path in sources(part)]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def name_of(path: Path) -> str:
    """Return "controller/repo/git.py"."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[2:])


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every module that is imported, those below `if TYPE_CHECKING` and inside of functions too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: imports are absolute"
            module = node.module or ""
            yield module, node.lineno
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def test_parts_import_only_what_they_may():
    wrong = [
        f"{name_of(path)}:{line}: {module}"
        for part, allowed in PARTS.items()
        for path in sources(part)
        for module, line in imports(path)
        if module.startswith("nightlab.")
        and module.split(".")[1] not in allowed
        and not (name_of(path) in OFFERS_THE_KIT and module.startswith("nightlab.sdk.conformance"))
    ]
    assert wrong == []


def test_parts_beside_untrusted_code_load_little():
    wrong = [
        f"{name_of(path)}:{line}: {module}"
        for part, allowed in LOADED_BY.items()
        for path in sources(part)
        for module, line in imports(path)
        if (top := module.partition(".")[0]) != "nightlab" and top not in sys.stdlib_module_names | allowed
    ]
    assert wrong == []


def test_packages_of_the_controller_import_downwards():
    wrong = []
    for path in sources("controller"):
        package = path.relative_to(ROOT / "controller/nightlab/controller").parts[0].removesuffix(".py")
        allowed = EVERYWHERE | EDGES.get(package, set()) | {package}
        for module, line in imports(path):
            words = module.split(".")
            if words[:2] == ["nightlab", "controller"] and len(words) > 2 and words[2] not in allowed:
                wrong.append(f"{name_of(path)}:{line}: {package} may not import {words[2]}")
    assert wrong == []


def test_allowed_edges_have_no_circle():
    assert set(TopologicalSorter(EDGES).static_order()) == EDGES.keys()


def test_controller_imports_without_torch_and_without_a_plugin():
    code = """
import importlib, pkgutil, sys
sys.modules["torch"] = None
import nightlab.controller
for found in pkgutil.walk_packages(nightlab.controller.__path__, "nightlab.controller."):
    if ".migrations" not in found.name and not found.name.endswith(".__main__"):
        importlib.import_module(found.name)
print(sorted(name for name in sys.modules if name.startswith(("nightlab.plugins", "nightlab.sandbox"))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment(), timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    roots = os.pathsep.join(str(ROOT / root) for root in dict.fromkeys(ROOTS.values()))
    return {**os.environ, "PYTHONPATH": roots}


def test_nothing_runs_what_others_wrote():
    wrong = []
    for path in EVERYTHING:
        if name_of(path) == MEASURES_DOCKER:
            continue
        found = [*_dangerous(tree_of(path))]
        found += [(line, module) for module, line in imports(path) if module.partition(".")[0] in FORBIDDEN_MODULES]
        wrong += [f"{name_of(path)}:{line}: {what}" for line, what in found]
    assert wrong == []


def _dangerous(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_CALLS:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_BUILTINS:
                yield node.lineno, node.func.id
            if ast.unparse(node.func) in ("torch.load", "yaml.load"):
                yield node.lineno, ast.unparse(node.func)
            for keyword in node.keywords:
                if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value):
                    yield node.lineno, "shell=True"


def test_the_check_for_dangerous_calls_finds_them():
    code = "s(a, shell=True); c.exec_run('x'); t.extractall(); eval('1'); torch.load(f); yaml.load(f); os.system('x')"
    assert len(list(_dangerous(ast.parse(code)))) == 7


def test_git_is_started_in_one_place():
    starts = {
        name_of(path)
        for path in EVERYTHING
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and any(isinstance(a, ast.Constant) and a.value == "git" for a in _words(node))
    }
    assert starts == STARTS_GIT


def _words(call: ast.Call) -> Iterator[ast.expr]:
    for argument in call.args:
        yield from argument.elts[:1] if isinstance(argument, ast.List | ast.Tuple) else (argument,)


def test_everything_public_says_what_it_is():
    bare = []
    for path in EVERYTHING:
        tree = tree_of(path)
        bare += [] if ast.get_docstring(tree) else [f"{name_of(path)}: the module"]
        bare += [f"{name_of(path)}:{node.lineno}: {node.name}" for node in _public(tree) if not ast.get_docstring(node)]
    assert bare == []


def _public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield public classes and functions of a module, and public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                methods = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
                yield from (method for method in methods if not method.name.startswith("_"))


def test_no_file_outgrows_its_idea():
    long = {name_of(path): len(path.read_text().splitlines()) for path in EVERYTHING}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}


@cache
def tracked_texts() -> dict[str, str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    files = {name: ROOT / name for name in names}
    return {name: path.read_bytes().decode(errors="replace") for name, path in files.items() if path.is_file()}


def test_hosts_that_files_name_are_known_to_everybody():
    unknown = {
        f"{name}: {host}"
        for name, text in tracked_texts().items()
        if not name.startswith("tests/")
        for host in HOSTS.findall(text)
        if host not in KNOWN_HOSTS
    }
    assert unknown == set()


def test_no_file_names_the_place_it_was_written_in():
    place = f"{ROOT}/"
    assert [name for name, text in tracked_texts().items() if len(ROOT.parts) > 2 and place in text] == []
