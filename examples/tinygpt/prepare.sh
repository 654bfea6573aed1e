#!/usr/bin/env bash
# Downloads the CPU build of torch, and what it needs, into wheels/ for the image build. Does nothing when
# they are there. PYTHON names another interpreter than python3 to run pip with; it need not be the image's version.
set -euo pipefail
cd "$(dirname "$0")"

readonly torch='torch==2.13.0+cpu' wheels=wheels image_python=3.11
download() {
  "${PYTHON:-python3}" -m pip download --quiet --only-binary=:all: --python-version "$image_python" --dest "$1" "$torch" numpy
}

if compgen -G "$wheels/torch-${torch#*==}-*.whl" > /dev/null; then
  echo "wheels/ has $torch"
  exit 0
fi

# Filled aside and renamed at the end, so that an interrupted download is not taken for a complete one.
partial=$(mktemp -d "$wheels.XXXXXX")
trap 'rm -rf "$partial"' EXIT
if ! download "$partial"; then
  echo "prepare.sh: pip finds no wheel of $torch: name an index that has CPU builds in PIP_EXTRA_INDEX_URL," \
    "or put the wheel and its dependencies into $PWD/$wheels by hand" >&2
  exit 1
fi
rm -rf "$wheels"
chmod 755 "$partial"
mv "$partial" "$wheels"
trap - EXIT
du -sh "$wheels"
