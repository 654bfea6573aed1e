"""
Predict the (log) size of a source file from what its first lines look like.
Ridge regression by gradient descent with momentum.
"""
import glob
import json
import os

import numpy as np

sample_dir = os.environ['SAMPLE_DIR']
seed = int(os.environ['SEED'])

HEAD_LINES = 40
config = {
    'lr': 0.05,
    'momentum': 0.9,
    'ridge': 0.001,
    'iterations': 400,
    'holdout': 0.25,
}
WORDS = ['import', 'from', 'class', 'def', 'self', 'return', 'if', 'try', '"""', '#', '__all__', 'raise', '=', '(', '@']


def features(text):
    head = '\n'.join(text.splitlines()[:HEAD_LINES])
    return [len(head) / 1000] + [np.log1p(head.count(word)) for word in WORDS]


def load():
    rows, targets = [], []
    for path in sorted(glob.glob(os.path.join(sample_dir, '**', '*.py'), recursive=True)):
        with open(path, encoding='utf-8', errors='replace') as f:
            text = f.read()
        if text.count('\n') > HEAD_LINES:
            rows.append(features(text))
            targets.append(np.log(len(text)))
    return np.array(rows), np.array(targets)


x, y = load()
order = np.random.RandomState(seed).permutation(len(x))
cut = int(len(x) * config['holdout'])
test, train = order[:cut], order[cut:]
mean, std = x[train].mean(0), x[train].std(0) + 1e-9
x = np.c_[(x - mean) / std, np.ones(len(x))]

w = np.zeros(x.shape[1])
velocity = np.zeros_like(w)
for _ in range(config['iterations']):
    residual = x[train] @ w - y[train]
    gradient = x[train].T @ residual / len(train) + config['ridge'] * w
    velocity = config['momentum'] * velocity - config['lr'] * gradient
    w += velocity

rmse = float(np.sqrt(np.mean((x[test] @ w - y[test]) ** 2)))
print(json.dumps({'files': len(x), 'seed': seed, 'rmse': round(rmse, 5)}))
