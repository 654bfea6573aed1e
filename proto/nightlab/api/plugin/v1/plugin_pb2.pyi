from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Feature(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEATURE_UNSPECIFIED: _ClassVar[Feature]
    FEATURE_OBSERVE: _ClassVar[Feature]
    FEATURE_COMPLETION: _ClassVar[Feature]

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    DIRECTION_DOWN: _ClassVar[Direction]
    DIRECTION_UP: _ClassVar[Direction]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
    SEVERITY_NOTE: _ClassVar[Severity]

class OutcomeStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_STATUS_UNSPECIFIED: _ClassVar[OutcomeStatus]
    OUTCOME_STATUS_SUCCEEDED: _ClassVar[OutcomeStatus]
    OUTCOME_STATUS_FAILED: _ClassVar[OutcomeStatus]
    OUTCOME_STATUS_TIMED_OUT: _ClassVar[OutcomeStatus]
    OUTCOME_STATUS_PRUNED: _ClassVar[OutcomeStatus]
    OUTCOME_STATUS_INFEASIBLE: _ClassVar[OutcomeStatus]
FEATURE_UNSPECIFIED: Feature
FEATURE_OBSERVE: Feature
FEATURE_COMPLETION: Feature
DIRECTION_UNSPECIFIED: Direction
DIRECTION_DOWN: Direction
DIRECTION_UP: Direction
SEVERITY_UNSPECIFIED: Severity
SEVERITY_ERROR: Severity
SEVERITY_WARNING: Severity
SEVERITY_NOTE: Severity
OUTCOME_STATUS_UNSPECIFIED: OutcomeStatus
OUTCOME_STATUS_SUCCEEDED: OutcomeStatus
OUTCOME_STATUS_FAILED: OutcomeStatus
OUTCOME_STATUS_TIMED_OUT: OutcomeStatus
OUTCOME_STATUS_PRUNED: OutcomeStatus
OUTCOME_STATUS_INFEASIBLE: OutcomeStatus

class GetPluginInfoRequest(_message.Message):
    __slots__ = ("host_version", "host_features")
    HOST_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOST_FEATURES_FIELD_NUMBER: _ClassVar[int]
    host_version: str
    host_features: _containers.RepeatedScalarFieldContainer[Feature]
    def __init__(self, host_version: _Optional[str] = ..., host_features: _Optional[_Iterable[_Union[Feature, str]]] = ...) -> None: ...

class GetPluginInfoResponse(_message.Message):
    __slots__ = ("name", "version", "features", "sdk")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    features: _containers.RepeatedScalarFieldContainer[Feature]
    sdk: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., features: _Optional[_Iterable[_Union[Feature, str]]] = ..., sdk: _Optional[str] = ...) -> None: ...

class ListActionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListActionsResponse(_message.Message):
    __slots__ = ("actions", "next_page_token")
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    actions: _containers.RepeatedCompositeFieldContainer[Action]
    next_page_token: str
    def __init__(self, actions: _Optional[_Iterable[_Union[Action, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Action(_message.Message):
    __slots__ = ("name", "title", "description", "parameters_schema", "reads", "writes", "deterministic", "schema_from_workspace", "effects")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FROM_WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    title: str
    description: str
    parameters_schema: str
    reads: _containers.RepeatedScalarFieldContainer[str]
    writes: _containers.RepeatedScalarFieldContainer[str]
    deterministic: bool
    schema_from_workspace: bool
    effects: _containers.RepeatedCompositeFieldContainer[Effect]
    def __init__(self, name: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., parameters_schema: _Optional[str] = ..., reads: _Optional[_Iterable[str]] = ..., writes: _Optional[_Iterable[str]] = ..., deterministic: bool = ..., schema_from_workspace: bool = ..., effects: _Optional[_Iterable[_Union[Effect, _Mapping]]] = ...) -> None: ...

class Effect(_message.Message):
    __slots__ = ("quantity", "direction")
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    quantity: str
    direction: Direction
    def __init__(self, quantity: _Optional[str] = ..., direction: _Optional[_Union[Direction, str]] = ...) -> None: ...

class File(_message.Message):
    __slots__ = ("path", "content", "sha256")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    path: str
    content: bytes
    sha256: str
    def __init__(self, path: _Optional[str] = ..., content: _Optional[bytes] = ..., sha256: _Optional[str] = ...) -> None: ...

class Workspace(_message.Message):
    __slots__ = ("digest", "files", "missing_globs", "entry_points")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    MISSING_GLOBS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_POINTS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    files: _containers.RepeatedCompositeFieldContainer[File]
    missing_globs: _containers.RepeatedScalarFieldContainer[str]
    entry_points: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, digest: _Optional[str] = ..., files: _Optional[_Iterable[_Union[File, _Mapping]]] = ..., missing_globs: _Optional[_Iterable[str]] = ..., entry_points: _Optional[_Iterable[str]] = ...) -> None: ...

class Diagnostic(_message.Message):
    __slots__ = ("severity", "summary", "detail", "pointer")
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    severity: Severity
    summary: str
    detail: str
    pointer: str
    def __init__(self, severity: _Optional[_Union[Severity, str]] = ..., summary: _Optional[str] = ..., detail: _Optional[str] = ..., pointer: _Optional[str] = ...) -> None: ...

class CheckActionRequest(_message.Message):
    __slots__ = ("action", "workspace", "state", "settings_json")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    action: str
    workspace: Workspace
    state: bytes
    settings_json: str
    def __init__(self, action: _Optional[str] = ..., workspace: _Optional[_Union[Workspace, _Mapping]] = ..., state: _Optional[bytes] = ..., settings_json: _Optional[str] = ...) -> None: ...

class CheckActionResponse(_message.Message):
    __slots__ = ("applicable", "diagnostics", "narrowed_schema")
    APPLICABLE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    NARROWED_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    applicable: bool
    diagnostics: _containers.RepeatedCompositeFieldContainer[Diagnostic]
    narrowed_schema: str
    def __init__(self, applicable: bool = ..., diagnostics: _Optional[_Iterable[_Union[Diagnostic, _Mapping]]] = ..., narrowed_schema: _Optional[str] = ...) -> None: ...

class ApplyActionRequest(_message.Message):
    __slots__ = ("request_id", "action", "arguments_json", "workspace", "seed", "state", "completion", "settings_json")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_JSON_FIELD_NUMBER: _ClassVar[int]
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    action: str
    arguments_json: str
    workspace: Workspace
    seed: int
    state: bytes
    completion: Completion
    settings_json: str
    def __init__(self, request_id: _Optional[str] = ..., action: _Optional[str] = ..., arguments_json: _Optional[str] = ..., workspace: _Optional[_Union[Workspace, _Mapping]] = ..., seed: _Optional[int] = ..., state: _Optional[bytes] = ..., completion: _Optional[_Union[Completion, _Mapping]] = ..., settings_json: _Optional[str] = ...) -> None: ...

class ApplyActionResponse(_message.Message):
    __slots__ = ("edits", "rejection", "needs_completion")
    EDITS_FIELD_NUMBER: _ClassVar[int]
    REJECTION_FIELD_NUMBER: _ClassVar[int]
    NEEDS_COMPLETION_FIELD_NUMBER: _ClassVar[int]
    edits: EditSet
    rejection: Rejection
    needs_completion: CompletionRequest
    def __init__(self, edits: _Optional[_Union[EditSet, _Mapping]] = ..., rejection: _Optional[_Union[Rejection, _Mapping]] = ..., needs_completion: _Optional[_Union[CompletionRequest, _Mapping]] = ...) -> None: ...

class EditSet(_message.Message):
    __slots__ = ("edits", "summary")
    EDITS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    edits: _containers.RepeatedCompositeFieldContainer[FileEdit]
    summary: str
    def __init__(self, edits: _Optional[_Iterable[_Union[FileEdit, _Mapping]]] = ..., summary: _Optional[str] = ...) -> None: ...

class FileEdit(_message.Message):
    __slots__ = ("path", "base_sha256", "write", "delete", "executable")
    PATH_FIELD_NUMBER: _ClassVar[int]
    BASE_SHA256_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    EXECUTABLE_FIELD_NUMBER: _ClassVar[int]
    path: str
    base_sha256: str
    write: bytes
    delete: bool
    executable: bool
    def __init__(self, path: _Optional[str] = ..., base_sha256: _Optional[str] = ..., write: _Optional[bytes] = ..., delete: bool = ..., executable: bool = ...) -> None: ...

class Rejection(_message.Message):
    __slots__ = ("diagnostics",)
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[Diagnostic]
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[Diagnostic, _Mapping]]] = ...) -> None: ...

class CompletionRequest(_message.Message):
    __slots__ = ("prompt", "response_schema", "max_output_tokens", "resume")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    response_schema: str
    max_output_tokens: int
    resume: bytes
    def __init__(self, prompt: _Optional[str] = ..., response_schema: _Optional[str] = ..., max_output_tokens: _Optional[int] = ..., resume: _Optional[bytes] = ...) -> None: ...

class Completion(_message.Message):
    __slots__ = ("text", "resume")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    text: str
    resume: bytes
    def __init__(self, text: _Optional[str] = ..., resume: _Optional[bytes] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("trial_id", "action", "arguments_json", "status", "metrics", "baseline_delta")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    TRIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_JSON_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    BASELINE_DELTA_FIELD_NUMBER: _ClassVar[int]
    trial_id: str
    action: str
    arguments_json: str
    status: OutcomeStatus
    metrics: _containers.ScalarMap[str, float]
    baseline_delta: float
    def __init__(self, trial_id: _Optional[str] = ..., action: _Optional[str] = ..., arguments_json: _Optional[str] = ..., status: _Optional[_Union[OutcomeStatus, str]] = ..., metrics: _Optional[_Mapping[str, float]] = ..., baseline_delta: _Optional[float] = ...) -> None: ...

class ObserveOutcomesRequest(_message.Message):
    __slots__ = ("outcomes", "state")
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    state: bytes
    def __init__(self, outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping]]] = ..., state: _Optional[bytes] = ...) -> None: ...

class ObserveOutcomesResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: bytes
    def __init__(self, state: _Optional[bytes] = ...) -> None: ...
