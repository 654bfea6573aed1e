"""What the host must remember of a sandbox's jobs across its own death: where each one's log is, and how it ended.

An append-only file of JSON lines. A job is written before it is started, its end before the sandbox may forget it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from nightlab.controller.errors import StoreError
from nightlab.controller.link.values import JobExit

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Recorded:
    """A job in the journal.

    Attributes:
        job_id: The job.
        log: Its output on the host.
        merge: Whether standard error goes there too, else beside it.
        limit_s: How long it may take in all, grace included; 0: no limit.
        boot_id: Of the supervisor it was given to.
        exit: How it ended; None while that is not known.
    """

    job_id: str
    log: Path
    merge: bool
    limit_s: float
    boot_id: str
    exit: JobExit | None = None


class Journal:
    """The jobs of one sandbox. Methods block for one small write."""

    def __init__(self, path: Path) -> None:
        self.jobs: dict[str, Recorded] = {}
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(path, _APPEND, 0o600)
        for record in self._records():
            self._apply(record)

    def _records(self) -> Iterator[Mapping[str, Any]]:
        text = self._path.read_bytes()
        if text and not text.endswith(b"\n"):
            os.write(self._fd, b"\n")  # the last write was cut short: it told of something that had not happened yet
        for line in text.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record

    def _apply(self, record: Mapping[str, Any]) -> None:
        try:
            if record["event"] == "job":
                self.jobs[record["job_id"]] = Recorded(
                    job_id=record["job_id"],
                    log=Path(record["log"]),
                    merge=record["merge"],
                    limit_s=record["limit_s"],
                    boot_id=record["boot_id"],
                )
            elif record["event"] == "exit" and record["job_id"] in self.jobs:
                self.jobs[record["job_id"]].exit = JobExit(**record["exit"])
        except (KeyError, TypeError) as error:
            raise StoreError(
                f"{self._path} has a record that this version of nightlab cannot read ({error}); "
                "remove the trial's state directory to give up its jobs"
            ) from error

    def add_job(self, job: Recorded) -> None:
        """Write a job down before it is started."""
        facts = asdict(job) | {"event": "job", "log": str(job.log)}
        del facts["exit"]
        self._write(facts)
        self.jobs[job.job_id] = job

    def add_exit(self, job_id: str, job_exit: JobExit) -> None:
        """Write a job's end down before the sandbox may forget it."""
        self._write({"event": "exit", "job_id": job_id, "exit": asdict(job_exit)})
        self.jobs[job_id].exit = job_exit

    def _write(self, record: Mapping[str, Any]) -> None:
        try:
            os.write(self._fd, json.dumps(record).encode() + b"\n")
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}; free some space there") from error

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
