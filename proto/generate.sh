#!/usr/bin/env bash
# Writes the generated code beside each .proto. The compiler is pinned and old on purpose: code made by a newer one
# refuses older protobuf runtimes. Its environment is apart, because it pulls protobuf down to its own version.
set -euo pipefail
cd "$(dirname "$0")"
env_dir=${NIGHTLAB_PROTOC_ENV:-../.venv-protoc}
if [ ! -x "$env_dir/bin/python" ]; then
  python3 -m venv "$env_dir"
  "$env_dir/bin/pip" install --quiet 'grpcio-tools==1.76.0' 'mypy-protobuf==3.7.0' 'setuptools<81'
fi
PATH="$(cd "$env_dir" && pwd)/bin:$PATH" python -m grpc_tools.protoc -I . \
  --python_out=. --pyi_out=. --grpc_python_out=. --mypy_grpc_out=quiet:. \
  $(find nightlab -name '*.proto' | sort)
