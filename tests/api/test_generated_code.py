"""The checked-in generated code says what the .proto files say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from nightlab.api.plugin.v1 import plugin_pb2
from nightlab.api.sandbox.v1 import sandbox_pb2

PROTO = Path(__file__).parents[2] / "proto"


@pytest.fixture(scope="module")
def described(tmp_path_factory) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """Read the .proto files with another compiler than the one that made the code."""
    target = tmp_path_factory.mktemp("proto") / "files.binpb"
    buf = str(Path(sys.executable).with_name("buf"))
    subprocess.run([buf, "build", "--exclude-source-info", "-o", str(target)], cwd=PROTO, check=True)
    files = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())
    for file in files.file:
        file.DiscardUnknownFields()
        _forget_json_names(file)
    return {file.name: file for file in files.file}


@pytest.mark.parametrize("module", [sandbox_pb2, plugin_pb2])
def test_it_is_what_the_proto_file_says(described, module):
    generated = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(generated)
    _forget_json_names(generated)
    assert generated == described[generated.name], "run `make protos` and commit what it writes"


def _forget_json_names(file: descriptor_pb2.FileDescriptorProto) -> None:
    messages = list(file.message_type)
    while messages:
        message = messages.pop()
        messages.extend(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")
