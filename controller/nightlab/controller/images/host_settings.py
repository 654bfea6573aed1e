"""Reads what a base image must share with this host to reach the same package sources: certificates, apt settings.

Nothing secret is carried: an address with a password in it stays on the host.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
LOCAL_CERTIFICATES: Final = Path("/usr/local/share/ca-certificates")
IMAGE_BUNDLE: Final = "etc/ssl/certs/ca-certificates.crt"
APT_TIMEOUT_S: Final = 30.0
# Of all apt options, those that decide whether a package source can be reached.
CARRIED_OPTION: Final = re.compile(
    r"^(?P<name>Acquire::(?:https?::Proxy(?:::[^ ]+)?|Check-Valid-Until|Check-Date|ForceIPv4|Retries))"
    r' "(?P<value>[^"]*)";$'
)
TARGET_FORMAT: Final = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(COMPONENT)"


def image_files(release: str) -> dict[str, bytes]:
    """Return what to put into an image of a Debian release, by path below its root."""
    files = dict(_certificates())
    if options := apt_options():
        files["etc/apt/apt.conf.d/00nightlab-host"] = "".join(f"{line}\n" for line in options).encode()
    if sources := apt_sources(release):
        files["etc/apt/sources.list"] = "".join(f"{line}\n" for line in sources).encode()
        # Debian's own images list their sources here.
        files["etc/apt/sources.list.d/debian.sources"] = b"# as on the host: see /etc/apt/sources.list\n"
    return files


def apt_options() -> list[str]:
    """Return the host's apt options that a build needs too, as lines of apt.conf."""
    matches = (CARRIED_OPTION.match(line) for line in _output(["apt-config", "dump"]))
    return [m[0] for m in matches if m and m["value"] and ("Proxy" not in m["name"] or _can_be_carried(m["value"]))]


def apt_sources(release: str) -> list[str]:
    """Return the host's sources of a Debian release as lines of sources.list; none where the host is of another."""
    targets = _output(["apt-get", "indextargets", "--format", TARGET_FORMAT, "Created-By: Packages"])
    suites: dict[tuple[str, str], set[str]] = {}
    for line in targets:
        origin, uri, suite, codename, component = line.split("|")
        if origin == "Debian" and codename.split("-")[0] == release and _can_be_carried(uri):
            suites.setdefault((uri.rstrip("/"), suite), set()).add(component)
    return [f"deb {uri} {suite} {' '.join(sorted(parts))}" for (uri, suite), parts in sorted(suites.items())]


def _certificates() -> Iterator[tuple[str, bytes]]:
    bundle = next((path for path in map(Path, BUNDLES) if path.is_file()), None)
    if bundle is not None:
        yield IMAGE_BUNDLE, bundle.read_bytes()
    for path in sorted(LOCAL_CERTIFICATES.glob("*.crt")):  # so that update-ca-certificates in a build keeps them
        if path.is_file():
            yield str(path.relative_to("/")), path.read_bytes()


def _can_be_carried(url: str) -> bool:
    parts = urlsplit(url)
    is_local = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
    return parts.scheme in ("http", "https") and parts.username is None and not is_local


def _output(command: list[str]) -> list[str]:
    if shutil.which(command[0]) is None:
        return []
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=APT_TIMEOUT_S)
    return done.stdout.splitlines() if done.returncode == 0 else []
