"""The number that scores a run is found in what real training scripts print, and its expression finds exactly it."""

from __future__ import annotations

import re

import pytest

from nightlab.controller.model.score import Direction
from nightlab.controller.onboarding.metric import metrics_in, names_in, try_pattern

NANOGPT = """\
number of parameters: 10.65M
step 0: train loss 4.2874, val loss 4.2823
iter 0: loss 4.2649, time 31603.40ms, mfu -100.00%
iter 10: loss 3.2438, time 21.71ms, mfu 17.16%
step 250: train loss 1.9744, val loss 2.0661
iter 250: loss 2.0445, time 3480.41ms, mfu 15.45%
"""
MNIST = """\
Train Epoch: 1 [58880/60000 (98%)]\tLoss: 0.037411

Test set: Average loss: 0.0522, Accuracy: 9823/10000 (98%)

Train Epoch: 2 [58880/60000 (98%)]\tLoss: 0.004212

Test set: Average loss: 0.0361, Accuracy: 9881/10000 (99%)
"""
KERAS = (
    "Epoch 1/2\n1875/1875 [==============================] - 3s 2ms/step - loss: 0.2953 - accuracy: 0.9144 "
    "- val_loss: 0.1500 - val_accuracy: 0.9561\nEpoch 2/2\n"
    "1875/1875 [==============================] - 3s 1ms/step - loss: 0.1420 - accuracy: 0.9576 "
    "- val_loss: 0.1033 - val_accuracy: 0.9695\n"
)
HF_TRAINER = """\
{'loss': 0.5172, 'grad_norm': 1.21, 'learning_rate': 3.3e-05, 'epoch': 1.0}
{'eval_loss': 0.4533, 'eval_runtime': 1.92, 'eval_samples_per_second': 212.1, 'epoch': 1.0}
{'loss': 0.3172, 'grad_norm': 2.21, 'learning_rate': 1.3e-05, 'epoch': 2.0}
{'eval_loss': 0.4121, 'eval_runtime': 1.88, 'eval_samples_per_second': 213.9, 'epoch': 2.0}
{'train_runtime': 60.3, 'train_samples_per_second': 99.4, 'train_loss': 0.41, 'epoch': 2.0}
"""
AUTORESEARCH = """\
step 00953 (100.0%) | loss: 2.997384 | lrm: 0.00 | dt: 313ms | tok/sec: 1,672,000 | remaining: 0s
---
val_bpb:          0.997900
training_seconds: 300.1
total_seconds:    325.9
peak_vram_mb:     45060.2
mfu_percent:      39.80
total_tokens_M:   499.6
num_steps:        953
num_params_M:     50.3
depth:            8
"""
FASTAI = """\
epoch     train_loss  valid_loss  error_rate  time
0         0.163210    0.027543    0.008119    00:16
1         0.054311    0.013457    0.004060    00:21
"""
XGBOOST = "[0]\ttrain-rmse:0.51234\tvalidation-rmse:0.53123\n[1]\ttrain-rmse:0.41234\tvalidation-rmse:0.47123\n"
LIGHTNING = """\
────────────────────────────────────────────────────────────
       Test metric             DataLoader 0
────────────────────────────────────────────────────────────
        test_acc            0.9247000217437744
        test_loss           0.24021472036838531
────────────────────────────────────────────────────────────
"""
SKLEARN = """\
              precision    recall  f1-score   support

           0       0.97      0.97      0.97       178
           1       0.95      0.92      0.93       182

    accuracy                           0.95       360
   macro avg       0.95      0.95      0.95       360
"""
TUTORIAL = """\
[1,  2000] loss: 2.170
[2,  2000] loss: 1.285
Finished Training
Accuracy of the network on the 10000 test images: 54 %
"""
CSV = "epoch,train_loss,val_loss,val_acc\n1,0.91,0.88,0.61\n2,0.70,0.75,0.70\n"
PIPES = (
    "| epoch | train ppl | valid ppl |\n|-------|-----------|-----------|\n| 1 | 120.1 | 131.9 |\n| 2 | 80.4 | 99.5 |\n"
)
TRANSFORMER = """\
| epoch   1 |   200/ 2983 batches | lr 20.00 | ms/batch 15.62 | loss  7.63 | ppl  2049.52
| end of epoch   1 | time: 50.02s | valid loss  5.52 | valid ppl   250.61
| end of epoch   2 | time: 50.00s | valid loss  5.20 | valid ppl   180.74
| End of training | test loss  5.10 | test ppl   164.35
"""
LOGGED = """\
2024-05-01 12:00:01,123 - __main__ - INFO - Epoch 1 - Train: loss=0.912 acc=0.61 | Val: loss=0.871 acc=0.64
2024-05-01 12:00:09,456 - __main__ - INFO - Epoch 2 - Train: loss=0.712 acc=0.71 | Val: loss=0.691 acc=0.74
"""
JSON_LINES = '{"step":1,"train/loss":1.2,"val/loss":1.5}\n{"step":2,"train/loss":1.0,"val/loss":1.25}\n'
TENSOR = "Epoch 3 validation loss: tensor(0.4321, device='cuda:0')\n"
INFO = "INFO:root:epoch 4 dev f1 0.8123\nINFO:root:best dev f1 0.8342 at epoch 3\n"

CASES = [
    ("nanogpt", NANOGPT, "val_loss", 2.0661, Direction.MINIMIZE, 2),
    ("mnist", MNIST, "test_accuracy", 9881.0, Direction.MAXIMIZE, 2),
    ("keras", KERAS, "val_accuracy", 0.9695, Direction.MAXIMIZE, 2),
    ("hf-trainer", HF_TRAINER, "eval_loss", 0.4121, Direction.MINIMIZE, 2),
    ("autoresearch", AUTORESEARCH, "val_bpb", 0.9979, Direction.MINIMIZE, 1),
    ("fastai", FASTAI, "valid_loss", 0.013457, Direction.MINIMIZE, 2),
    ("xgboost", XGBOOST, "validation_rmse", 0.47123, Direction.MINIMIZE, 2),
    ("lightning", LIGHTNING, "test_acc", 0.9247000217437744, Direction.MAXIMIZE, 1),
    ("sklearn", SKLEARN, "accuracy", 0.95, Direction.MAXIMIZE, 1),
    ("tutorial", TUTORIAL, None, 54.0, Direction.MAXIMIZE, 1),
    ("csv", CSV, "val_acc", 0.70, Direction.MAXIMIZE, 2),
    ("pipes", PIPES, "valid_ppl", 99.5, Direction.MINIMIZE, 2),
    ("transformer", TRANSFORMER, "valid_ppl", 180.74, Direction.MINIMIZE, 2),
    ("logged", LOGGED, "val_acc", 0.74, Direction.MAXIMIZE, 2),
    ("json-lines", JSON_LINES, "val_loss", 1.25, Direction.MINIMIZE, 2),
    ("tensor", TENSOR, "validation_loss", 0.4321, Direction.MINIMIZE, 1),
    ("info", INFO, None, 0.8342, Direction.MAXIMIZE, 1),
    ("bash-script shape", "30 modules -> work/h.npy\n[20/60] Validation MSE 0.71234\n[40/60] Validation MSE 0.61234\n",
     "validation_mse", 0.61234, Direction.MINIMIZE, 2),
    ("out-and-log shape", "final: nll 2.3456 nats/char\n", "nll", 2.3456, Direction.MINIMIZE, 1),
    ("json shape", '{"files": 163, "seed": 11, "rmse": 0.51234}\n', "rmse", 0.51234, Direction.MINIMIZE, 1),
    ("c-extension shape", "pass 0  training log loss 0.61\npass 1  training log loss 0.5\nheld-out log loss  0.53\n",
     "held_out_log_loss", 0.53, Direction.MINIMIZE, 1),
    ("perplexity shape", "mixture weights:            0.1 0.2 0.7\ntest perplexity per token:  31.337\n",
     "test_perplexity_per_token", 31.337, Direction.MINIMIZE, 1),
    ("argparse shape", "epoch 1/2 - loss: 1.2 - val_acc: 0.61\nepoch 2/2 - loss: 1.0 - val_acc: 0.66\n",
     "val_acc", 0.66, Direction.MAXIMIZE, 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("output", "name", "value", "direction", "seen"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_metric_is_found(output, name, value, direction, seen):
    lines = re.split(r"[\r\n]", output)
    best = metrics_in(lines)[0]
    assert best.value == value
    assert best.direction is direction
    assert name is None or best.name == name
    assert best.seen == seen
    assert best.exact
    assert try_pattern(best.pattern, lines) == (seen, value)


@pytest.mark.parametrize(
    "line",
    [
        "lr: 0.001",
        "grad_norm: 0.5",
        "epoch: 5",
        "elapsed 12.5",
        "number of parameters: 100",
        "loss weight: 0.5",
        "saved 3 files",
        "12:30:01 2024-01-01",
        "127.0.0.1:8080",
        "",
    ],
)
def test_what_does_not_score_a_model_is_no_metric(line):
    assert metrics_in([line]) == []


def test_a_run_that_ends_in_nan_has_no_metric_of_that_name():
    assert metrics_in(["val_loss: 0.5", "val_loss: nan"]) == []


def test_the_names_of_other_numbers_are_kept_for_a_person():
    assert names_in(["sharpness of fit: 0.3", "zonk=12"]) == ["sharpness of fit", "zonk"]


def test_hostile_lines_take_no_time():
    lines = ["loss " * 800, "=" * 4000, "a:" * 2000 + "1", "1 " * 2000, "|" * 4000, "loss" + " " * 4000 + "1.5"]
    metrics_in(lines * 5)
