from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_UNSPECIFIED: _ClassVar[Channel]
    CHANNEL_STDOUT: _ClassVar[Channel]
    CHANNEL_STDERR: _ClassVar[Channel]

class TreeOwner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TREE_OWNER_UNSPECIFIED: _ClassVar[TreeOwner]
    TREE_OWNER_SEALED: _ClassVar[TreeOwner]
    TREE_OWNER_EDITOR: _ClassVar[TreeOwner]

class FailureCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_CODE_UNSPECIFIED: _ClassVar[FailureCode]
    FAILURE_CODE_INVALID: _ClassVar[FailureCode]
    FAILURE_CODE_NO_SPACE: _ClassVar[FailureCode]
    FAILURE_CODE_LIMIT: _ClassVar[FailureCode]
    FAILURE_CODE_NOT_FOUND: _ClassVar[FailureCode]
    FAILURE_CODE_MISMATCH: _ClassVar[FailureCode]
    FAILURE_CODE_INTERNAL: _ClassVar[FailureCode]
CHANNEL_UNSPECIFIED: Channel
CHANNEL_STDOUT: Channel
CHANNEL_STDERR: Channel
TREE_OWNER_UNSPECIFIED: TreeOwner
TREE_OWNER_SEALED: TreeOwner
TREE_OWNER_EDITOR: TreeOwner
FAILURE_CODE_UNSPECIFIED: FailureCode
FAILURE_CODE_INVALID: FailureCode
FAILURE_CODE_NO_SPACE: FailureCode
FAILURE_CODE_LIMIT: FailureCode
FAILURE_CODE_NOT_FOUND: FailureCode
FAILURE_CODE_MISMATCH: FailureCode
FAILURE_CODE_INTERNAL: FailureCode

class ConnectRequest(_message.Message):
    __slots__ = ("hello", "heartbeat", "result", "output", "exit")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    heartbeat: Heartbeat
    result: CommandResult
    output: JobOutput
    exit: JobExit
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., result: _Optional[_Union[CommandResult, _Mapping]] = ..., output: _Optional[_Union[JobOutput, _Mapping]] = ..., exit: _Optional[_Union[JobExit, _Mapping]] = ...) -> None: ...

class ConnectResponse(_message.Message):
    __slots__ = ("welcome", "heartbeat", "command", "output_ack", "exit_ack")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_ACK_FIELD_NUMBER: _ClassVar[int]
    EXIT_ACK_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    heartbeat: Heartbeat
    command: Command
    output_ack: OutputAck
    exit_ack: ExitAck
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., output_ack: _Optional[_Union[OutputAck, _Mapping]] = ..., exit_ack: _Optional[_Union[ExitAck, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol", "supervisor_version", "boot_id", "jobs")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SUPERVISOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    supervisor_version: str
    boot_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[JobState]
    def __init__(self, protocol: _Optional[int] = ..., supervisor_version: _Optional[str] = ..., boot_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[JobState, _Mapping]]] = ...) -> None: ...

class JobState(_message.Message):
    __slots__ = ("job_id", "running", "exit", "stdout_start", "stderr_start")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    STDOUT_START_FIELD_NUMBER: _ClassVar[int]
    STDERR_START_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    running: bool
    exit: JobExit
    stdout_start: int
    stderr_start: int
    def __init__(self, job_id: _Optional[str] = ..., running: bool = ..., exit: _Optional[_Union[JobExit, _Mapping]] = ..., stdout_start: _Optional[int] = ..., stderr_start: _Optional[int] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("host_version", "heartbeat_ms", "lost_after_ms", "grace_ms", "resume")
    HOST_VERSION_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    LOST_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    host_version: str
    heartbeat_ms: int
    lost_after_ms: int
    grace_ms: int
    resume: _containers.RepeatedCompositeFieldContainer[OutputAck]
    def __init__(self, host_version: _Optional[str] = ..., heartbeat_ms: _Optional[int] = ..., lost_after_ms: _Optional[int] = ..., grace_ms: _Optional[int] = ..., resume: _Optional[_Iterable[_Union[OutputAck, _Mapping]]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("sequence", "supervisor_rss_bytes", "processes", "answers")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SUPERVISOR_RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    supervisor_rss_bytes: int
    processes: int
    answers: int
    def __init__(self, sequence: _Optional[int] = ..., supervisor_rss_bytes: _Optional[int] = ..., processes: _Optional[int] = ..., answers: _Optional[int] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("command_id", "put_tree", "scan_tree", "start_job", "stop_job", "read_files", "make_seed", "link_seed", "find_repo", "resolve_user", "probe_access", "resolve_program", "shutdown", "check_seal", "end_processes", "call_plugin")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    PUT_TREE_FIELD_NUMBER: _ClassVar[int]
    SCAN_TREE_FIELD_NUMBER: _ClassVar[int]
    START_JOB_FIELD_NUMBER: _ClassVar[int]
    STOP_JOB_FIELD_NUMBER: _ClassVar[int]
    READ_FILES_FIELD_NUMBER: _ClassVar[int]
    MAKE_SEED_FIELD_NUMBER: _ClassVar[int]
    LINK_SEED_FIELD_NUMBER: _ClassVar[int]
    FIND_REPO_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_USER_FIELD_NUMBER: _ClassVar[int]
    PROBE_ACCESS_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_PROGRAM_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    CHECK_SEAL_FIELD_NUMBER: _ClassVar[int]
    END_PROCESSES_FIELD_NUMBER: _ClassVar[int]
    CALL_PLUGIN_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    put_tree: PutTree
    scan_tree: ScanTree
    start_job: StartJob
    stop_job: StopJob
    read_files: ReadFiles
    make_seed: MakeSeed
    link_seed: LinkSeed
    find_repo: FindRepo
    resolve_user: ResolveUser
    probe_access: ProbeAccess
    resolve_program: ResolveProgram
    shutdown: Shutdown
    check_seal: CheckSeal
    end_processes: EndProcesses
    call_plugin: CallPlugin
    def __init__(self, command_id: _Optional[str] = ..., put_tree: _Optional[_Union[PutTree, _Mapping]] = ..., scan_tree: _Optional[_Union[ScanTree, _Mapping]] = ..., start_job: _Optional[_Union[StartJob, _Mapping]] = ..., stop_job: _Optional[_Union[StopJob, _Mapping]] = ..., read_files: _Optional[_Union[ReadFiles, _Mapping]] = ..., make_seed: _Optional[_Union[MakeSeed, _Mapping]] = ..., link_seed: _Optional[_Union[LinkSeed, _Mapping]] = ..., find_repo: _Optional[_Union[FindRepo, _Mapping]] = ..., resolve_user: _Optional[_Union[ResolveUser, _Mapping]] = ..., probe_access: _Optional[_Union[ProbeAccess, _Mapping]] = ..., resolve_program: _Optional[_Union[ResolveProgram, _Mapping]] = ..., shutdown: _Optional[_Union[Shutdown, _Mapping]] = ..., check_seal: _Optional[_Union[CheckSeal, _Mapping]] = ..., end_processes: _Optional[_Union[EndProcesses, _Mapping]] = ..., call_plugin: _Optional[_Union[CallPlugin, _Mapping]] = ...) -> None: ...

class CommandResult(_message.Message):
    __slots__ = ("command_id", "failure", "put_tree", "scan_tree", "start_job", "stop_job", "read_files", "make_seed", "link_seed", "find_repo", "resolve_user", "probe_access", "resolve_program", "shutdown", "check_seal", "end_processes", "call_plugin")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    PUT_TREE_FIELD_NUMBER: _ClassVar[int]
    SCAN_TREE_FIELD_NUMBER: _ClassVar[int]
    START_JOB_FIELD_NUMBER: _ClassVar[int]
    STOP_JOB_FIELD_NUMBER: _ClassVar[int]
    READ_FILES_FIELD_NUMBER: _ClassVar[int]
    MAKE_SEED_FIELD_NUMBER: _ClassVar[int]
    LINK_SEED_FIELD_NUMBER: _ClassVar[int]
    FIND_REPO_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_USER_FIELD_NUMBER: _ClassVar[int]
    PROBE_ACCESS_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_PROGRAM_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    CHECK_SEAL_FIELD_NUMBER: _ClassVar[int]
    END_PROCESSES_FIELD_NUMBER: _ClassVar[int]
    CALL_PLUGIN_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    failure: Failure
    put_tree: PutTreeResult
    scan_tree: ScanTreeResult
    start_job: StartJobResult
    stop_job: StopJobResult
    read_files: ReadFilesResult
    make_seed: MakeSeedResult
    link_seed: LinkSeedResult
    find_repo: FindRepoResult
    resolve_user: ResolveUserResult
    probe_access: ProbeAccessResult
    resolve_program: ResolveProgramResult
    shutdown: ShutdownResult
    check_seal: CheckSealResult
    end_processes: EndProcessesResult
    call_plugin: CallPluginResult
    def __init__(self, command_id: _Optional[str] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., put_tree: _Optional[_Union[PutTreeResult, _Mapping]] = ..., scan_tree: _Optional[_Union[ScanTreeResult, _Mapping]] = ..., start_job: _Optional[_Union[StartJobResult, _Mapping]] = ..., stop_job: _Optional[_Union[StopJobResult, _Mapping]] = ..., read_files: _Optional[_Union[ReadFilesResult, _Mapping]] = ..., make_seed: _Optional[_Union[MakeSeedResult, _Mapping]] = ..., link_seed: _Optional[_Union[LinkSeedResult, _Mapping]] = ..., find_repo: _Optional[_Union[FindRepoResult, _Mapping]] = ..., resolve_user: _Optional[_Union[ResolveUserResult, _Mapping]] = ..., probe_access: _Optional[_Union[ProbeAccessResult, _Mapping]] = ..., resolve_program: _Optional[_Union[ResolveProgramResult, _Mapping]] = ..., shutdown: _Optional[_Union[ShutdownResult, _Mapping]] = ..., check_seal: _Optional[_Union[CheckSealResult, _Mapping]] = ..., end_processes: _Optional[_Union[EndProcessesResult, _Mapping]] = ..., call_plugin: _Optional[_Union[CallPluginResult, _Mapping]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: FailureCode
    message: str
    def __init__(self, code: _Optional[_Union[FailureCode, str]] = ..., message: _Optional[str] = ...) -> None: ...

class TreeEntry(_message.Message):
    __slots__ = ("path", "mode", "size", "sha256")
    PATH_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    path: str
    mode: int
    size: int
    sha256: bytes
    def __init__(self, path: _Optional[str] = ..., mode: _Optional[int] = ..., size: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class PutTree(_message.Message):
    __slots__ = ("root", "entries", "owner", "owner_uid", "owner_gid", "in_part", "removed", "clear")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    OWNER_UID_FIELD_NUMBER: _ClassVar[int]
    OWNER_GID_FIELD_NUMBER: _ClassVar[int]
    IN_PART_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    CLEAR_FIELD_NUMBER: _ClassVar[int]
    root: str
    entries: _containers.RepeatedCompositeFieldContainer[TreeEntry]
    owner: TreeOwner
    owner_uid: int
    owner_gid: int
    in_part: bool
    removed: _containers.RepeatedScalarFieldContainer[str]
    clear: bool
    def __init__(self, root: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[TreeEntry, _Mapping]]] = ..., owner: _Optional[_Union[TreeOwner, str]] = ..., owner_uid: _Optional[int] = ..., owner_gid: _Optional[int] = ..., in_part: bool = ..., removed: _Optional[_Iterable[str]] = ..., clear: bool = ...) -> None: ...

class PutTreeResult(_message.Message):
    __slots__ = ("tree_digest",)
    TREE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    tree_digest: bytes
    def __init__(self, tree_digest: _Optional[bytes] = ...) -> None: ...

class ScanTree(_message.Message):
    __slots__ = ("root", "only", "max_entries", "max_hash_bytes", "suffixes", "allow_partial")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    ONLY_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MAX_HASH_BYTES_FIELD_NUMBER: _ClassVar[int]
    SUFFIXES_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    root: str
    only: _containers.RepeatedScalarFieldContainer[str]
    max_entries: int
    max_hash_bytes: int
    suffixes: _containers.RepeatedScalarFieldContainer[str]
    allow_partial: bool
    def __init__(self, root: _Optional[str] = ..., only: _Optional[_Iterable[str]] = ..., max_entries: _Optional[int] = ..., max_hash_bytes: _Optional[int] = ..., suffixes: _Optional[_Iterable[str]] = ..., allow_partial: bool = ...) -> None: ...

class ScanTreeResult(_message.Message):
    __slots__ = ("entries", "odd", "is_partial")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    ODD_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[TreeEntry]
    odd: _containers.RepeatedScalarFieldContainer[str]
    is_partial: bool
    def __init__(self, entries: _Optional[_Iterable[_Union[TreeEntry, _Mapping]]] = ..., odd: _Optional[_Iterable[str]] = ..., is_partial: bool = ...) -> None: ...

class CheckSeal(_message.Message):
    __slots__ = ("root", "reread_bytes", "since", "suffixes", "all_added", "max_added")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    REREAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SUFFIXES_FIELD_NUMBER: _ClassVar[int]
    ALL_ADDED_FIELD_NUMBER: _ClassVar[int]
    MAX_ADDED_FIELD_NUMBER: _ClassVar[int]
    root: str
    reread_bytes: int
    since: bytes
    suffixes: _containers.RepeatedScalarFieldContainer[str]
    all_added: bool
    max_added: int
    def __init__(self, root: _Optional[str] = ..., reread_bytes: _Optional[int] = ..., since: _Optional[bytes] = ..., suffixes: _Optional[_Iterable[str]] = ..., all_added: bool = ..., max_added: _Optional[int] = ...) -> None: ...

class CheckSealResult(_message.Message):
    __slots__ = ("sealed", "added", "odd", "stamp", "touched", "since_known", "is_partial")
    SEALED_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    ODD_FIELD_NUMBER: _ClassVar[int]
    STAMP_FIELD_NUMBER: _ClassVar[int]
    TOUCHED_FIELD_NUMBER: _ClassVar[int]
    SINCE_KNOWN_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    sealed: _containers.RepeatedCompositeFieldContainer[TreeEntry]
    added: _containers.RepeatedCompositeFieldContainer[TreeEntry]
    odd: _containers.RepeatedScalarFieldContainer[str]
    stamp: bytes
    touched: _containers.RepeatedScalarFieldContainer[str]
    since_known: bool
    is_partial: bool
    def __init__(self, sealed: _Optional[_Iterable[_Union[TreeEntry, _Mapping]]] = ..., added: _Optional[_Iterable[_Union[TreeEntry, _Mapping]]] = ..., odd: _Optional[_Iterable[str]] = ..., stamp: _Optional[bytes] = ..., touched: _Optional[_Iterable[str]] = ..., since_known: bool = ..., is_partial: bool = ...) -> None: ...

class EndProcesses(_message.Message):
    __slots__ = ("uid", "timeout_ms")
    UID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    uid: int
    timeout_ms: int
    def __init__(self, uid: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class EndProcessesResult(_message.Message):
    __slots__ = ("killed", "left")
    KILLED_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    killed: int
    left: int
    def __init__(self, killed: _Optional[int] = ..., left: _Optional[int] = ...) -> None: ...

class StartJob(_message.Message):
    __slots__ = ("job_id", "argv", "env", "cwd", "uid", "gid", "wall_limit_ms", "stop_grace_ms", "output_hold_bytes", "merge_output", "umask")
    class EnvEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    GID_FIELD_NUMBER: _ClassVar[int]
    WALL_LIMIT_MS_FIELD_NUMBER: _ClassVar[int]
    STOP_GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_HOLD_BYTES_FIELD_NUMBER: _ClassVar[int]
    MERGE_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    UMASK_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    argv: _containers.RepeatedScalarFieldContainer[str]
    env: _containers.ScalarMap[str, str]
    cwd: str
    uid: int
    gid: int
    wall_limit_ms: int
    stop_grace_ms: int
    output_hold_bytes: int
    merge_output: bool
    umask: int
    def __init__(self, job_id: _Optional[str] = ..., argv: _Optional[_Iterable[str]] = ..., env: _Optional[_Mapping[str, str]] = ..., cwd: _Optional[str] = ..., uid: _Optional[int] = ..., gid: _Optional[int] = ..., wall_limit_ms: _Optional[int] = ..., stop_grace_ms: _Optional[int] = ..., output_hold_bytes: _Optional[int] = ..., merge_output: bool = ..., umask: _Optional[int] = ...) -> None: ...

class StartJobResult(_message.Message):
    __slots__ = ("pid",)
    PID_FIELD_NUMBER: _ClassVar[int]
    pid: int
    def __init__(self, pid: _Optional[int] = ...) -> None: ...

class StopJob(_message.Message):
    __slots__ = ("job_id", "grace_ms")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    grace_ms: int
    def __init__(self, job_id: _Optional[str] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class StopJobResult(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class JobOutput(_message.Message):
    __slots__ = ("job_id", "channel", "offset", "data")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    channel: Channel
    offset: int
    data: bytes
    def __init__(self, job_id: _Optional[str] = ..., channel: _Optional[_Union[Channel, str]] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class OutputAck(_message.Message):
    __slots__ = ("job_id", "stdout_offset", "stderr_offset")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STDOUT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    STDERR_OFFSET_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    stdout_offset: int
    stderr_offset: int
    def __init__(self, job_id: _Optional[str] = ..., stdout_offset: _Optional[int] = ..., stderr_offset: _Optional[int] = ...) -> None: ...

class JobExit(_message.Message):
    __slots__ = ("job_id", "code", "signal", "start_error", "timed_out", "stopped", "stdout_bytes", "stderr_bytes", "wall_ms", "max_rss_bytes", "cpu_ms", "killed_processes")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    START_ERROR_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    STDOUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    STDERR_BYTES_FIELD_NUMBER: _ClassVar[int]
    WALL_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    CPU_MS_FIELD_NUMBER: _ClassVar[int]
    KILLED_PROCESSES_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    code: int
    signal: int
    start_error: str
    timed_out: bool
    stopped: bool
    stdout_bytes: int
    stderr_bytes: int
    wall_ms: int
    max_rss_bytes: int
    cpu_ms: int
    killed_processes: int
    def __init__(self, job_id: _Optional[str] = ..., code: _Optional[int] = ..., signal: _Optional[int] = ..., start_error: _Optional[str] = ..., timed_out: bool = ..., stopped: bool = ..., stdout_bytes: _Optional[int] = ..., stderr_bytes: _Optional[int] = ..., wall_ms: _Optional[int] = ..., max_rss_bytes: _Optional[int] = ..., cpu_ms: _Optional[int] = ..., killed_processes: _Optional[int] = ...) -> None: ...

class ExitAck(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ReadFiles(_message.Message):
    __slots__ = ("root", "globs", "max_files", "max_file_bytes", "max_total_bytes", "as_uid", "as_gid")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    GLOBS_FIELD_NUMBER: _ClassVar[int]
    MAX_FILES_FIELD_NUMBER: _ClassVar[int]
    MAX_FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    AS_UID_FIELD_NUMBER: _ClassVar[int]
    AS_GID_FIELD_NUMBER: _ClassVar[int]
    root: str
    globs: _containers.RepeatedScalarFieldContainer[str]
    max_files: int
    max_file_bytes: int
    max_total_bytes: int
    as_uid: int
    as_gid: int
    def __init__(self, root: _Optional[str] = ..., globs: _Optional[_Iterable[str]] = ..., max_files: _Optional[int] = ..., max_file_bytes: _Optional[int] = ..., max_total_bytes: _Optional[int] = ..., as_uid: _Optional[int] = ..., as_gid: _Optional[int] = ...) -> None: ...

class ReadFilesResult(_message.Message):
    __slots__ = ("files", "skipped")
    FILES_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[TreeEntry]
    skipped: _containers.RepeatedCompositeFieldContainer[SkippedFile]
    def __init__(self, files: _Optional[_Iterable[_Union[TreeEntry, _Mapping]]] = ..., skipped: _Optional[_Iterable[_Union[SkippedFile, _Mapping]]] = ...) -> None: ...

class SkippedFile(_message.Message):
    __slots__ = ("path", "reason")
    PATH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    path: str
    reason: str
    def __init__(self, path: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class MakeSeed(_message.Message):
    __slots__ = ("source", "seed", "tracked", "max_bytes", "max_entries")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TRACKED_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    source: str
    seed: str
    tracked: _containers.RepeatedScalarFieldContainer[str]
    max_bytes: int
    max_entries: int
    def __init__(self, source: _Optional[str] = ..., seed: _Optional[str] = ..., tracked: _Optional[_Iterable[str]] = ..., max_bytes: _Optional[int] = ..., max_entries: _Optional[int] = ...) -> None: ...

class MakeSeedResult(_message.Message):
    __slots__ = ("files", "bytes", "large", "directories")
    FILES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    LARGE_FIELD_NUMBER: _ClassVar[int]
    DIRECTORIES_FIELD_NUMBER: _ClassVar[int]
    files: int
    bytes: int
    large: _containers.RepeatedScalarFieldContainer[str]
    directories: int
    def __init__(self, files: _Optional[int] = ..., bytes: _Optional[int] = ..., large: _Optional[_Iterable[str]] = ..., directories: _Optional[int] = ...) -> None: ...

class LinkSeed(_message.Message):
    __slots__ = ("seed", "root", "copy_limit_bytes", "max_entries")
    SEED_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    COPY_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    seed: str
    root: str
    copy_limit_bytes: int
    max_entries: int
    def __init__(self, seed: _Optional[str] = ..., root: _Optional[str] = ..., copy_limit_bytes: _Optional[int] = ..., max_entries: _Optional[int] = ...) -> None: ...

class LinkSeedResult(_message.Message):
    __slots__ = ("copied", "linked")
    COPIED_FIELD_NUMBER: _ClassVar[int]
    LINKED_FIELD_NUMBER: _ClassVar[int]
    copied: int
    linked: int
    def __init__(self, copied: _Optional[int] = ..., linked: _Optional[int] = ...) -> None: ...

class FindRepo(_message.Message):
    __slots__ = ("probes", "candidates", "max_directories")
    PROBES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    MAX_DIRECTORIES_FIELD_NUMBER: _ClassVar[int]
    probes: _containers.RepeatedCompositeFieldContainer[TreeEntry]
    candidates: _containers.RepeatedScalarFieldContainer[str]
    max_directories: int
    def __init__(self, probes: _Optional[_Iterable[_Union[TreeEntry, _Mapping]]] = ..., candidates: _Optional[_Iterable[str]] = ..., max_directories: _Optional[int] = ...) -> None: ...

class FindRepoResult(_message.Message):
    __slots__ = ("matches",)
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[RepoMatch]
    def __init__(self, matches: _Optional[_Iterable[_Union[RepoMatch, _Mapping]]] = ...) -> None: ...

class RepoMatch(_message.Message):
    __slots__ = ("root", "same", "differing")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    DIFFERING_FIELD_NUMBER: _ClassVar[int]
    root: str
    same: int
    differing: int
    def __init__(self, root: _Optional[str] = ..., same: _Optional[int] = ..., differing: _Optional[int] = ...) -> None: ...

class ResolveUser(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: str
    def __init__(self, user: _Optional[str] = ...) -> None: ...

class ResolveUserResult(_message.Message):
    __slots__ = ("uid", "gid", "name", "home")
    UID_FIELD_NUMBER: _ClassVar[int]
    GID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOME_FIELD_NUMBER: _ClassVar[int]
    uid: int
    gid: int
    name: str
    home: str
    def __init__(self, uid: _Optional[int] = ..., gid: _Optional[int] = ..., name: _Optional[str] = ..., home: _Optional[str] = ...) -> None: ...

class ProbeAccess(_message.Message):
    __slots__ = ("paths", "uid", "gid", "max_entries")
    PATHS_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    GID_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedScalarFieldContainer[str]
    uid: int
    gid: int
    max_entries: int
    def __init__(self, paths: _Optional[_Iterable[str]] = ..., uid: _Optional[int] = ..., gid: _Optional[int] = ..., max_entries: _Optional[int] = ...) -> None: ...

class ProbeAccessResult(_message.Message):
    __slots__ = ("unreadable",)
    UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    unreadable: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, unreadable: _Optional[_Iterable[str]] = ...) -> None: ...

class ResolveProgram(_message.Message):
    __slots__ = ("program", "path_env", "cwd")
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    PATH_ENV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    program: str
    path_env: str
    cwd: str
    def __init__(self, program: _Optional[str] = ..., path_env: _Optional[str] = ..., cwd: _Optional[str] = ...) -> None: ...

class ResolveProgramResult(_message.Message):
    __slots__ = ("path", "interpreter")
    PATH_FIELD_NUMBER: _ClassVar[int]
    INTERPRETER_FIELD_NUMBER: _ClassVar[int]
    path: str
    interpreter: str
    def __init__(self, path: _Optional[str] = ..., interpreter: _Optional[str] = ...) -> None: ...

class CallPlugin(_message.Message):
    __slots__ = ("socket", "owner_uid", "owner_gid", "method", "request", "timeout_ms", "wait_for_ready")
    SOCKET_FIELD_NUMBER: _ClassVar[int]
    OWNER_UID_FIELD_NUMBER: _ClassVar[int]
    OWNER_GID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_READY_FIELD_NUMBER: _ClassVar[int]
    socket: str
    owner_uid: int
    owner_gid: int
    method: str
    request: bytes
    timeout_ms: int
    wait_for_ready: bool
    def __init__(self, socket: _Optional[str] = ..., owner_uid: _Optional[int] = ..., owner_gid: _Optional[int] = ..., method: _Optional[str] = ..., request: _Optional[bytes] = ..., timeout_ms: _Optional[int] = ..., wait_for_ready: bool = ...) -> None: ...

class CallPluginResult(_message.Message):
    __slots__ = ("status", "response", "details")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    status: int
    response: bytes
    details: str
    def __init__(self, status: _Optional[int] = ..., response: _Optional[bytes] = ..., details: _Optional[str] = ...) -> None: ...

class Shutdown(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShutdownResult(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FetchBlobsRequest(_message.Message):
    __slots__ = ("sha256",)
    SHA256_FIELD_NUMBER: _ClassVar[int]
    sha256: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, sha256: _Optional[_Iterable[bytes]] = ...) -> None: ...

class FetchBlobsResponse(_message.Message):
    __slots__ = ("index", "data", "last")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    index: int
    data: bytes
    last: bool
    def __init__(self, index: _Optional[int] = ..., data: _Optional[bytes] = ..., last: bool = ...) -> None: ...

class PushBlobRequest(_message.Message):
    __slots__ = ("command_id", "path", "data")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    path: str
    data: bytes
    def __init__(self, command_id: _Optional[str] = ..., path: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class PushBlobResponse(_message.Message):
    __slots__ = ("sha256",)
    SHA256_FIELD_NUMBER: _ClassVar[int]
    sha256: bytes
    def __init__(self, sha256: _Optional[bytes] = ...) -> None: ...
