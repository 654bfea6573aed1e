"""Plugins that do not start, do not end, or take too much."""

import os
import signal
import subprocess
import sys
import threading

from tests.sdk.conformance.broken.breaking import breaks
from tests.sdk.conformance.good import VARIABLE, Good

from nightlab.api.plugin.v1 import plugin_pb2 as pb


@breaks("start-time", "no first answer")
class Deaf(Good):
    @classmethod
    def serve(cls):
        threading.Event().wait()


@breaks("start-time", "cannot bind today")
class Crashing(Good):
    @classmethod
    def serve(cls):
        sys.exit("cannot bind today")


@breaks("restart", "after a restart")
class Reborn(Good):
    def GetPluginInfo(self, request, context):
        return pb.GetPluginInfoResponse(name="example", version=f"1.{os.getpid()}")


@breaks("call-time", "DEADLINE_EXCEEDED")
class Hanging(Good):
    def ApplyAction(self, request, context):
        threading.Event().wait()


@breaks("output", "print less", status="warning")
class Loud(Good):
    @classmethod
    def serve(cls):
        sys.stdout.write("noise\n" * 50_000)
        sys.stdout.flush()
        super().serve()


@breaks("memory", "ends it there", status="warning")
class Fat(Good):
    @classmethod
    def serve(cls):
        cls.ballast = b"x" * (160 << 20)
        super().serve()


@breaks("sigterm", "runs on")
class Stubborn(Good):
    @classmethod
    def serve(cls):
        set_handler = signal.signal
        signal.signal = lambda number, _: set_handler(number, signal.SIG_IGN)
        super().serve()


@breaks("sigterm", "ended with exit status 3")
class Complaining(Good):
    @classmethod
    def serve(cls):
        super().serve()
        sys.exit(3)


@breaks("sigterm", "left 1 processes behind")
class Parent(Good):
    @classmethod
    def serve(cls):
        cls.child = subprocess.Popen(["sleep", "600"])
        super().serve()


@breaks("no-socket", "print one that names it")
class Traceback(Good):
    @classmethod
    def main(cls):
        os.environ[VARIABLE]
        cls.serve()


@breaks("no-socket", "exit with an error")
class Quiet(Good):
    @classmethod
    def main(cls):
        if VARIABLE in os.environ:
            cls.serve()


@breaks("no-socket", "runs on")
class Waiting(Good):
    @classmethod
    def main(cls):
        threading.Event().wait() if VARIABLE not in os.environ else cls.serve()
