"""nightlab-exec leaves a program nothing of what the supervisor has: uid, groups, descriptors, signals, privileges."""

from __future__ import annotations

import json
from collections.abc import Callable
from textwrap import dedent

import pytest

pytestmark = pytest.mark.docker

# Put before each script that plays the supervisor, as process 1 and root in an empty image.
SUPERVISOR = """
import json, os, signal, sys
helper, *python = sys.argv[1:]
def spawn(*arguments, env={}, stdout=1):
    return os.posix_spawn(helper, [helper, *arguments], env, file_actions=[(os.POSIX_SPAWN_DUP2, stdout, 1)])
def sleeper(uid, *flags):
    # Returns once it runs as its uid.
    reader, writer = os.pipe()
    script = "import os, time; os.write(1, b'x'); time.sleep(60)"
    pid = spawn(*flags, str(uid), str(uid), "022", "/", *python, "-c", script, stdout=writer)
    os.close(writer)
    assert os.read(reader, 1) == b"x"
    return pid
"""
LOOK = """
import json, os, resource, signal
status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status"))
numbers = os.listdir("/proc/self/fd")
print(json.dumps({
    "uid": status["Uid"].split(), "gid": status["Gid"].split(), "groups": status["Groups"].split(),
    "capabilities": {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16},
    "no_new_privs": status["NoNewPrivs"], "ignores_usr1": signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN,
    "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "umask": os.umask(0), "cwd": os.getcwd(),
    "leads_session": os.getsid(0) == os.getpid(), "core": resource.getrlimit(resource.RLIMIT_CORE),
    "oom": open("/proc/self/oom_score_adj").read().strip(), "environment": dict(os.environ),
    "descriptors": sorted(int(n) for n in numbers if os.path.exists("/proc/self/fd/" + n)),
}))
"""


@pytest.fixture
def play(foreign_image, run, toolbox) -> Callable[[str], object]:
    """Run a script as the supervisor and return the JSON that it, or what it started, printed."""

    def play_script(script: str) -> object:
        program = toolbox.python[toolbox.python.index("--") + 1 :]
        command = [*toolbox.python, "-c", SUPERVISOR + dedent(script), toolbox.exec_helper, *program]
        done = run(foreign_image("scratch"), command)
        assert done.status == 0, done.stderr
        return json.loads(done.stdout)

    return play_script


def test_nothing_of_the_supervisor_is_left(play):
    seen = play(f"""
        os.setgroups([0, 27])
        os.umask(0o077)
        os.open("/proc/self/environ", os.O_RDONLY)
        for fd in (0, 3, 77):
            os.dup2(os.open("/proc/self/environ", os.O_RDONLY), fd, inheritable=True)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGTERM])
        pid = spawn("1234", "5678", "027", "/proc", *python, "-c", {LOOK!r}, env={{"NAME": "value with = and space"}})
        sys.exit(os.waitpid(pid, 0)[1])
    """)
    assert seen == {
        "uid": ["1234"] * 4,
        "gid": ["5678"] * 4,
        "groups": [],
        "capabilities": True,
        "no_new_privs": "1",
        "ignores_usr1": False,
        "blocked": 0,
        "umask": 0o027,
        "cwd": "/proc",
        "leads_session": True,
        "core": [0, 0],
        "oom": "1000",
        "environment": {"NAME": "value with = and space"},
        "descriptors": [0, 1, 2],
    }


def test_kill_uid_ends_every_process_of_that_uid_and_no_other(play):
    seen = play("""
        mine, theirs = [sleeper(4242), sleeper(4242)], sleeper(4243)
        first = os.waitpid(spawn("--kill-uid", "4242", "9"), 0)[1]
        ended = [os.WTERMSIG(os.waitpid(pid, 0)[1]) for pid in mine]
        again = os.waitpid(spawn("--kill-uid", "4242", "9"), 0)[1]
        print(json.dumps([first, ended, again, os.waitpid(theirs, os.WNOHANG)[0]]))
    """)
    assert seen == [0, [9, 9], 0, 0]


def test_a_program_dies_with_its_parent_if_asked(play):
    seen = play("""
        ready, tell = os.pipe()
        parent = os.fork()
        if parent == 0:
            child = sleeper(4242, "--die-with-parent")
            os.write(tell, str(child).encode())
            signal.pause()
        child = int(os.read(ready, 20))
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        print(json.dumps(os.WTERMSIG(os.waitpid(child, 0)[1])))
    """)
    assert seen == 9


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["1", "1", "022", "/", "/nowhere", "x"], 127, "execve /nowhere: No such file or directory"),
        (
            ["1", "1", "022", "/", "/nightlab/toolbox/manifest.json", "x"],
            126,
            "execve /nightlab/toolbox/manifest.json: ",
        ),
        (["1", "1", "022", "/nowhere", "/program", "x"], 126, "chdir /nowhere: No such file or directory"),
        (["1", "1", "022", "/", "program", "x"], 2, "execve: the program's path must be absolute"),
        (["4294967295", "1", "022", "/", "/program", "x"], 2, "uid: not a number in range"),
        (["-1", "1", "022", "/", "/program", "x"], 2, "uid: not a number in range"),
        (["1", "one", "022", "/", "/program", "x"], 2, "gid: not a number in range"),
        (["1", "1", "088", "/", "/program", "x"], 2, "umask: not a number in range"),
        (["1", "1", "022", "/", "/program"], 2, "usage: "),
        (["--kill-uid", "0", "9"], 2, "uid: 0 would end every process"),
        (["--kill-uid", "1", "KILL"], 2, "signal: not a number in range"),
        (["--clean-env", "A=1", "/program"], 2, "usage: "),
    ],
)
def test_a_failure_is_one_line_that_names_the_step(foreign_image, run, toolbox, arguments, status, line):
    done = run(foreign_image("scratch"), [toolbox.exec_helper, *arguments])
    assert (done.status, done.stdout) == (status, "")
    assert done.stderr.startswith(f"nightlab-exec: {line}")
    assert done.stderr.count("\n") == 1
