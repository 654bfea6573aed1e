"""Puts the toolbox together in its build stage: Debian's interpreter, the pinned wheels, our sources, all libraries.

Runs with the very Python that it copies. The result starts in an image that has no libc, no /etc and no /lib of its
own, and takes nothing from those of an image that does. Three steps, so that a change of our sources rebuilds little:
`interpreter`, `wheels FOLDER`, `finish SOURCES`.
"""

import hashlib
import json
import py_compile
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

ROOT = Path("/nightlab/toolbox")
LIBRARIES = ROOT / "lib"
# Everything lies in the standard library's own folder: the interpreter finds it without site.py, on one path entry.
STDLIB = LIBRARIES / "python3.11"
UNUSED_STDLIB = (
    "__pycache__", "config-*", "curses", "dbm", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "sqlite3",
    "test", "tkinter", "turtle.py", "turtledemo", "venv", "wsgiref", "xmlrpc", "sitecustomize.py", "EXTERNALLY-MANAGED",
)  # fmt: skip
# Without _ssl, asyncio starts faster and reads no certificates; the link is a Unix socket and grpc has its own TLS.
UNUSED_EXTENSIONS = (
    "_curses*", "_dbm.*", "_gdbm.*", "_sqlite3.*", "_ssl.*", "_test*", "_tkinter.*", "_xx*", "nis.*", "ossaudiodev.*",
    "readline.*", "xx*",
)  # fmt: skip
UNUSED_IN_WHEELS = (".dist-info/", ".data/", "/tests/")
# Loaded by name at run time, so that no binary lists it: pthread_exit would else take the image's own.
LOADED_BY_NAME = ("libgcc_s.so.1",)
# The loader reads this file even when it is called by its path, and loads what an image lists there. The other name has
# the same length and can never exist.
PRELOAD_FILE = b"/etc/ld.so.preload\0"
NO_PRELOAD_FILE = b"/dev/null/.preload\0"
PT_INTERP = 3


def interpreter() -> None:
    """Copy the running interpreter and its standard library, less what a supervisor never imports."""
    source = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(source, STDLIB, symlinks=False, ignore=shutil.ignore_patterns(*UNUSED_STDLIB))
    for pattern in UNUSED_EXTENSIONS:
        for extension in (STDLIB / "lib-dynload").glob(pattern):
            extension.unlink()
    (ROOT / "bin").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), ROOT / "bin/python3.11")
    compile_new()


def wheels(folder: Path) -> None:
    """Unpack the wheels; ruff is a program, the rest are packages."""
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith("/scripts/ruff"):
                    ruff = ROOT / "bin/ruff"
                    ruff.write_bytes(archive.read(name))
                    ruff.chmod(0o755)
                elif not wheel.name.startswith("ruff-") and not any(part in name for part in UNUSED_IN_WHEELS):
                    archive.extract(name, STDLIB)
    refuse_interpreter_segment(ROOT / "bin/ruff")
    compile_new()


def finish(sources: Path) -> None:
    """Add our sources, collect the libraries, compile, and write down what there must be."""
    shutil.copytree(sources, STDLIB, dirs_exist_ok=True)
    shutil.copy2("nightlab-exec", ROOT / "bin/nightlab-exec")
    refuse_interpreter_segment(ROOT / "bin/nightlab-exec")
    shutil.copy2("verify.py", ROOT / "verify.py")
    collect_libraries()
    compile_new()
    hashes = {str(path.relative_to(ROOT)): sha256(path) for path in sorted(ROOT.rglob("*")) if path.is_file()}
    (ROOT / "manifest.json").write_text(json.dumps(hashes, indent=0))


def collect_libraries() -> None:
    """Copy the loader and every shared library that a program or an extension asks for."""
    binaries = [ROOT / "bin/python3.11", *STDLIB.rglob("*.so")]
    listing = subprocess.run(["ldd", *binaries], check=True, capture_output=True, text=True).stdout
    if missing := [line.strip() for line in listing.splitlines() if "not found" in line]:
        raise SystemExit(f"libraries are missing: {missing}")
    paths = {Path(path) for path in re.findall(r"(/\S+) \(0x", listing)}
    loader = next((path for path in paths if path.name.startswith("ld-linux")), None)
    if loader is None:
        raise SystemExit("the interpreter names no loader")
    paths.update(loader.resolve().parent / name for name in LOADED_BY_NAME)
    for path in paths - {loader}:
        shutil.copyfile(path.resolve(), LIBRARIES / path.name)
    copy_loader(loader)


def copy_loader(loader: Path) -> None:
    """Copy the loader under one name for all architectures, blind to /etc/ld.so.preload."""
    code = loader.read_bytes()
    if code.count(PRELOAD_FILE) != 1:
        raise SystemExit(f"{loader} names {PRELOAD_FILE!r} {code.count(PRELOAD_FILE)} times, not once")
    target = LIBRARIES / "ld.so"
    target.write_bytes(code.replace(PRELOAD_FILE, NO_PRELOAD_FILE))
    target.chmod(0o755)


def compile_new() -> None:
    """Compile for a tree that is never written: no time stamp is compared and no source is read at import."""
    for source in STDLIB.rglob("*.py"):
        if not Path(cache_from_source(str(source))).exists():
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(source), doraise=True, invalidation_mode=mode, quiet=1)


def refuse_interpreter_segment(program: Path) -> None:
    """Stop unless a program is static: one with a PT_INTERP segment would need the image's loader."""
    code = program.read_bytes()
    (table,) = struct.unpack_from("<Q", code, 32)
    size, count = struct.unpack_from("<HH", code, 54)
    if PT_INTERP in {struct.unpack_from("<I", code, table + index * size)[0] for index in range(count)}:
        raise SystemExit(f"{program} is not static")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    {"interpreter": interpreter, "wheels": wheels, "finish": finish}[step](*map(Path, arguments))
