"""Tries what a contained process must not be able to do, and some things that it must.

Runs inside a container with nothing but the standard library and prints one JSON object: operation -> "allowed",
"denied" (an error or an end by signal) or "absent" (the machine has no such thing). Every operation runs in a child of
its own.
"""

import ctypes
import json
import mmap
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
# name: (x86_64, aarch64); a number of None does not exist on that architecture
NUMBERS = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "fsopen": (430, 430), "open_tree": (428, 428), "move_mount": (429, 429),
    "mount_setattr": (442, 442), "clock_settime": (227, 112), "settimeofday": (164, 170), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "reboot": (169, 142), "swapon": (167, 224),
    "syslog": (103, 116), "acct": (163, 89), "quotactl": (179, 60), "iopl": (172, None), "ioperm": (173, None),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "io_uring_setup": (425, 425), "memfd_secret": (447, 447), "fanotify_init": (300, 262),
    "vmsplice": (278, 75), "personality": (135, 92), "clone": (56, 220), "clone3": (435, 435), "mq_open": (240, 180),
    "msgget": (68, 186), "move_pages": (279, 239), "migrate_pages": (256, 238), "lookup_dcookie": (212, 18),
    "modify_ldt": (154, None), "process_madvise": (440, 440), "capset": (126, 91),
}  # fmt: skip
OPERATIONS = {}


class Absent(Exception):
    """The machine has no such thing."""


def operation(function):
    OPERATIONS[function.__name__] = function
    return function


def call(name, *arguments):
    number = NUMBERS[name][0 if X86 else 1]
    if number is None:
        raise Absent
    values = [
        a if isinstance(a, bytes) or a is None else ctypes.c_long(a) if isinstance(a, int) else a for a in arguments
    ]
    if LIBC.syscall(ctypes.c_long(number), *values) < 0:
        raise OSError(ctypes.get_errno(), name)


def system_call(label, name, *arguments):
    OPERATIONS[label] = lambda: call(name, *arguments)


def write(path, text="1"):
    with open(path, "w") as file:
        file.write(text)


def writes(label, path, text="1"):
    OPERATIONS[label] = lambda: write(path, text)


def opens_socket(label, *arguments):
    OPERATIONS[label] = lambda: socket.socket(*arguments).close()


BUFFER = ctypes.create_string_buffer(4096)
for label, flag in {"user": 0x10000000, "net": 0x40000000, "mount": 0x20000, "pid": 0x20000000, "uts": 0x04000000,
                    "ipc": 0x08000000, "cgroup": 0x02000000}.items():  # fmt: skip
    system_call(f"unshare_{label}", "unshare", flag)
system_call("clone_newuser", "clone", 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
system_call("clone3", "clone3", ctypes.create_string_buffer(88), 88)
system_call("mount_tmpfs", "mount", b"none", b"/tmp", b"tmpfs", 0, None)
system_call("mount_bind", "mount", b"/", b"/tmp", None, 4096, None)
system_call("remount_root_writable", "mount", None, b"/", None, 32, None)
system_call("umount_masked", "umount2", b"/proc/keys", 2)
system_call("pivot_root", "pivot_root", b"/tmp", b"/tmp")
system_call("chroot", "chroot", b"/tmp")
system_call("bpf_map", "bpf", 0, BUFFER, 72)
system_call("perf_event", "perf_event_open", BUFFER, 0, -1, -1, 0)
system_call("userfaultfd", "userfaultfd", 1)
system_call("keyctl", "keyctl", 0, -3, 0)
system_call("add_key", "add_key", b"user", b"nightlab", b"x", 1, -3)
system_call("request_key", "request_key", b"user", b"nightlab", None, -3)
system_call("init_module", "init_module", BUFFER, 16, b"")
system_call("finit_module", "finit_module", 0, b"", 0)
system_call("delete_module", "delete_module", b"loop", 2048)
system_call("kexec_load", "kexec_load", 0, 0, None, 0)
system_call("open_by_handle", "open_by_handle_at", -100, BUFFER, 0)
system_call("fsopen", "fsopen", b"tmpfs", 0)
system_call("open_tree", "open_tree", -100, b"/tmp", 1)
system_call("move_mount", "move_mount", -100, b"/tmp", -100, b"/dev/shm", 0)
system_call("mount_setattr", "mount_setattr", -100, b"/", 0, BUFFER, 32)
system_call("clock_settime", "clock_settime", 0, ctypes.create_string_buffer(b"\1" * 16, 16))
system_call("settimeofday", "settimeofday", ctypes.create_string_buffer(b"\1" + bytes(15), 16), None)
system_call("adjtimex", "adjtimex", ctypes.create_string_buffer(256))
system_call("sethostname", "sethostname", b"probe", 5)
system_call("setdomainname", "setdomainname", b"probe", 5)
system_call("reboot", "reboot", 0xFEE1DEAD, 672274793, 0, None)
system_call("swapon", "swapon", b"/tmp/swap", 0)
system_call("syslog", "syslog", 10, None, 0)
system_call("acct", "acct", None)
system_call("quotactl", "quotactl", 0x800001 << 8, b"/dev/root", 0, None)
system_call("iopl", "iopl", 3)
system_call("ioperm", "ioperm", 0x80, 1, 1)
system_call("ptrace_self", "ptrace", 0, 0, None, None)
system_call("ptrace_supervisor", "ptrace", 16, 1, None, None)
system_call("kcmp", "kcmp", 1, 1, 0, 0, 0)
system_call("io_uring", "io_uring_setup", 4, ctypes.create_string_buffer(120))
system_call("memfd_secret", "memfd_secret", 0)
system_call("fanotify", "fanotify_init", 0x200, 0)
system_call("personality_no_randomize", "personality", 0x0040000)
system_call("lookup_dcookie", "lookup_dcookie", 1, BUFFER, 4096)
system_call("modify_ldt", "modify_ldt", 0, BUFFER, 16)
system_call("message_queue", "msgget", 0, 0o1600)
system_call("gain_capabilities", "capset", ctypes.create_string_buffer(b"\x22\x05\x08\x20" + bytes(4), 8),
            ctypes.create_string_buffer(b"\xff" * 24, 24))  # fmt: skip
opens_socket("socket_raw", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
opens_socket("socket_ping", socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
opens_socket("socket_packet", 17, socket.SOCK_RAW, 0)
opens_socket("socket_vsock", 40, socket.SOCK_STREAM, 0)
opens_socket("socket_alg", 38, socket.SOCK_SEQPACKET, 0)
opens_socket("socket_netfilter", 16, socket.SOCK_RAW, 12)
opens_socket("socket_bluetooth", 31, socket.SOCK_RAW, 0)
opens_socket("socket_sctp", socket.AF_INET, socket.SOCK_STREAM, 132)
writes("write_root_fs", "/usr/probe")
writes("write_etc", "/etc/probe")
writes("write_hosts", "/etc/hosts")
writes("write_sysctl", "/proc/sys/kernel/core_pattern", "|/tmp/x")
writes("write_sysrq", "/proc/sysrq-trigger", "h")
writes("write_cgroup_v1", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1")
writes("write_cgroup_v2", "/sys/fs/cgroup/memory.max", "max")
writes("write_release_agent", "/sys/fs/cgroup/memory/release_agent", "/tmp/x")
writes("lower_oom_score", "/proc/self/oom_score_adj", "-1000")
writes("write_firmware", "/sys/kernel/uevent_helper", "/tmp/x")


@operation
def read_kcore():
    os.close(os.open("/proc/kcore", os.O_RDONLY))


@operation
def read_kernel_keys():
    with open("/proc/keys") as file:
        if not file.read():
            raise PermissionError


@operation
def join_namespace():
    call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0)


@operation
def steal_descriptor():
    call("pidfd_getfd", os.pidfd_open(os.getpid()), 0, 0)


@operation
def read_other_memory():
    local = (ctypes.c_void_p * 2)(ctypes.addressof(BUFFER), 8)
    call("process_vm_readv", os.getpid(), local, 1, local, 1, 0)


@operation
def splice_own_pages():
    _, end = os.pipe()
    call("vmsplice", end, (ctypes.c_void_p * 2)(ctypes.addressof(BUFFER), 8), 1, 0)


@operation
def make_block_device():
    os.mknod("/tmp/block", 0o060600, os.makedev(254, 0))


@operation
def make_character_device():
    os.mknod("/tmp/character", 0o020600, os.makedev(1, 1))


@operation
def raise_open_files():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit + 1, limit + 1))


@operation
def raise_core_size():
    resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))


@operation
def raise_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@operation
def raise_priority():
    os.nice(-5)


@operation
def become_realtime():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


@operation
def regain_privileges():
    if LIBC.prctl(38, 0, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS off
        raise PermissionError


@operation
def drop_no_new_privs():
    with open("/proc/self/status") as file:
        if "NoNewPrivs:\t1" in file.read():
            raise PermissionError


@operation
def legacy_system_call():
    """int 0x80 reaches 32-bit calls, whose arguments a 64-bit filter does not see: getpid by it must not work."""
    if not X86:
        raise Absent
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20; int 0x80; ret
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()


@operation
def x32_system_call():
    if not X86:
        raise Absent
    if LIBC.syscall(ctypes.c_long(0x40000000 + 39)) < 0:
        raise OSError(ctypes.get_errno(), "x32 getpid")


# What only the workload must not do: its supervisor is root with a few capabilities.
@operation
def workload_setuid_root():
    os.setresuid(0, 0, 0)


@operation
def workload_setgid_root():
    os.setresgid(0, 0, 0)


@operation
def workload_setgroups():
    os.setgroups([0])


@operation
def workload_kill_supervisor():
    os.kill(1, 0)


@operation
def workload_read_supervisor_environment():
    with open("/proc/1/environ") as file:
        file.read()


@operation
def workload_open_supervisor_memory():
    os.close(os.open("/proc/1/mem", os.O_RDWR))


@operation
def workload_list_supervisor_descriptors():
    os.listdir("/proc/1/fd")


@operation
def workload_enter_supervisor_root():
    os.listdir("/proc/1/root/")


@operation
def workload_write_dev():
    write("/dev/probe")


@operation
def workload_chown():
    with tempfile.NamedTemporaryFile() as file:
        os.chown(file.name, 0 if os.getuid() else 65532, -1)


# What must work, or ordinary training would not.
@operation
def can_write_tmp():
    write("/tmp/probe")


@operation
def can_run_from_tmp():
    write("/tmp/program", "#!/bin/sh\nexit 0\n")
    os.chmod("/tmp/program", 0o755)
    subprocess.run(["/tmp/program"], check=True)


@operation
def can_write_shared_memory():
    write("/dev/shm/probe")


@operation
def can_make_fifo():
    os.mkfifo("/tmp/fifo")


@operation
def can_start_thread():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


@operation
def can_start_process():
    subprocess.run([sys.executable, "-c", ""], check=True)


@operation
def can_use_semaphore():
    import multiprocessing

    multiprocessing.Semaphore().acquire()


@operation
def can_listen_on_loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


@operation
def can_list_interfaces():
    socket.socket(16, socket.SOCK_RAW, 0).close()
    socket.if_nameindex()


@operation
def can_use_unix_sockets():
    one, other = socket.socketpair()
    one.send(b"x")
    other.recv(1)


@operation
def can_watch_files():
    if LIBC.inotify_init1(0) < 0:
        raise OSError(ctypes.get_errno())


@operation
def can_make_memory_file():
    os.close(os.memfd_create("probe"))


def attempt(function):
    """Run one operation in a child and say how it ended."""
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            function()
        except Absent:
            os._exit(3)
        except BaseException:
            os._exit(2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSTOPPED(status):  # it made us its tracer
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "allowed"
    return {0: "allowed", 3: "absent"}.get(os.waitstatus_to_exitcode(status), "denied")


if __name__ == "__main__":
    if not os.path.exists("/.dockerenv") and not os.path.exists("/run/.containerenv"):
        sys.exit("this tries to break the machine it runs on: containers only")
    print(json.dumps({name: attempt(function) for name, function in OPERATIONS.items()}))
