#!/bin/bash
# Usage: [SEED=n] bash train.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

WORK=${WORK:-work}
mkdir -p "$WORK"

python3 extract.py --dim 64 --out "$WORK/histograms.npy"

python3 -u autoencoder.py \
    --input "$WORK/histograms.npy" \
    --bottleneck 6 \
    --lr 0.01 \
    --epochs 60 \
    --seed "${SEED:-7}" 2>&1 | tee "$WORK/train.out"
