"""The host's end of the link to a sandbox: one server per container, one Sandbox to talk to.

What runs at the other end is `nightlab.sandbox`; where the container comes from belongs to the engine.
"""

from nightlab.controller.link.blobs import BlobSource
from nightlab.controller.link.job import Job
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.link.server import LinkServer
from nightlab.controller.link.values import (
    Editor,
    JobExit,
    JobResult,
    Program,
    ReadResult,
    RepoMatch,
    Scan,
    SeedLinked,
    SeedMade,
    User,
)

__all__ = [
    "BlobSource",
    "Editor",
    "Job",
    "JobExit",
    "JobResult",
    "LinkServer",
    "Program",
    "ReadResult",
    "RepoMatch",
    "Sandbox",
    "Scan",
    "SeedLinked",
    "SeedMade",
    "User",
]
