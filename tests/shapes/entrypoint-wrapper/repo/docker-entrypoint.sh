#!/bin/sh
set -e

# where this image's Python keeps its library: changes with the distribution
SAMPLE_DIR=$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["stdlib"])')
export SAMPLE_DIR
export SEED="${SEED:-11}"
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"

exec "$@"
