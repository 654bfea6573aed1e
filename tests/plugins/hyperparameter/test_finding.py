"""What is offered and what is frozen, in scripts that were written by different hands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nightlab.api.params import schema_problems
from nightlab.plugins.hyperparameter import PLUGIN
from nightlab.sdk import Checked, Context, Edits

SCRIPTS = Path(__file__).parents[2] / "data" / "scripts"


def check(files: Mapping[str, str | bytes], *entry_points: str, **settings: Any) -> Checked:
    checked = PLUGIN.actions[0].check(Edits(files, entry_points=entry_points), Context(settings))
    assert schema_problems(checked.schema) == []
    return checked


def offered(checked: Checked) -> dict[str, dict[str, Any]]:
    assert checked.schema is not None
    return dict(checked.schema["properties"])


def frozen(checked: Checked) -> dict[str, str]:
    """Name -> category of the frozen literals."""
    lines = [note.summary.split(": ", 2) for note in checked.notes if note.summary.startswith("frozen: ")]
    return {rest.rsplit(" = ", 1)[0]: category for _, category, rest in lines}


def script(text: str) -> dict[str, dict[str, Any]]:
    return offered(check({"train.py": text}, "train.py"))


@pytest.fixture(scope="module")
def constants() -> Checked:
    return check({"train.py": (SCRIPTS / "constants.py").read_bytes()}, "train.py")


@pytest.fixture(scope="module")
def options() -> Checked:
    return check({"train.py": (SCRIPTS / "options.py").read_bytes()}, "train.py")


@pytest.fixture(scope="module")
def yaml_repo() -> Checked:
    root = SCRIPTS / "yaml_repo"
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.*") if path.is_file()}
    return check(files, "run.py")


def test_constants_are_offered(constants: Checked) -> None:
    names = {name.removeprefix("train.py:") for name in offered(constants)}
    assert names == {
        "gradient_accumulation_steps",
        "batch_size",
        "TOTAL_BATCH_SIZE",
        "n_layer",
        "n_head",
        "n_embd",
        "dropout",
        "bias",
        "learning_rate",
        "weight_decay",
        "betas[0]",
        "betas[1]",
        "grad_clip",
        "decay_lr",
        "warmup_iters",
        "min_lr",
        "Z",
        "SCALAR_LR",
        "MLP.__init__.mult",
        "MLP.__init__.Dropout(dropout)",
        "AdamW(eps)",
        "clip_grad_norm_(max_norm)",
    }


def test_constants_are_frozen_with_a_reason(constants: Checked) -> None:
    assert frozen(constants) == {
        "data_dir": "infrastructure",
        "vocab_size": "data",
        "eval_interval": "evaluation",
        "log_interval": "infrastructure",
        "EVAL_BATCHES": "evaluation",
        "always_save_checkpoint": "infrastructure",
        "block_size": "data",
        "max_iters": "budget",
        "device": "infrastructure",
        "dtype": "infrastructure",
        "SEED": "seed",
        "TIME_BUDGET": "budget",
        "MYSTERY": "unknown",
        "best": "evaluation",
        "MLP.__init__.LayerNorm(eps)": "numerics",
    }
    assert next(n for n in constants.notes if "EVAL_BATCHES" in n.summary).pointer == "train.py:12"


def test_ranges_fit_name_and_value(constants: Checked) -> None:
    found = offered(constants)
    rate = found["train.py:learning_rate"]
    assert (rate["minimum"], rate["maximum"], rate["x-scale"]) == (6e-5, 6e-3, "log")
    assert (found["train.py:dropout"]["minimum"], found["train.py:dropout"]["maximum"]) == (0.0, 0.5)
    assert found["train.py:betas[1]"]["maximum"] < 1.0
    assert found["train.py:betas[1]"]["minimum"] < 0.95 < found["train.py:betas[1]"]["maximum"]
    assert found["train.py:TOTAL_BATCH_SIZE"]["enum"] == [2**17, 2**18, 2**19, 2**20]
    assert found["train.py:bias"]["type"] == "boolean"
    assert "passed to AdamW as weight_decay" in found["train.py:Z"]["description"]


def test_widths_and_heads_stay_divisible_whatever_is_drawn(constants: Checked) -> None:
    found = offered(constants)
    width, heads = found["train.py:n_embd"], found["train.py:n_head"]
    widths = range(width["minimum"], width["maximum"] + 1, width["multipleOf"])
    assert len(widths) > 3 and len(heads["enum"]) > 2
    assert all(w % (2 * h) == 0 for w in widths for h in heads["enum"])


def test_options_and_fields_are_offered(options: Checked) -> None:
    found = {name.removeprefix("train.py:"): spec for name, spec in offered(options).items()}
    assert set(found) == {
        "$LR_SCALE",
        "NetConfig(depth)",
        "NetConfig.hidden",
        "NetConfig.p_drop",
        "NetConfig.activation",
        "NetConfig.betas[0]",
        "NetConfig.betas[1]",
        "NetConfig.wd",
        "--lr",
        "--batch-size",
        "--momentum",
        "--l2",
        "--optimizer",
        "train.lr_scale",
        "train.StepLR(step_size)",
        "train.StepLR(gamma)",
        "cfg.lr",
    }
    assert found["--lr"]["type"] == "number" and found["--lr"]["default"] == 1.0
    assert found["--l2"]["default"] == 5e-4
    assert found["--optimizer"]["enum"] == ["adam", "sgd"] or found["--optimizer"]["enum"] == ["sgd", "adam"]
    assert set(found["NetConfig.activation"]["enum"]) == {"relu", "gelu"}


def test_options_are_frozen_by_name_place_and_use(options: Checked) -> None:
    found = frozen(options)
    assert found["NetConfig.depth"] == "no effect"
    assert found["train.CrossEntropyLoss(label_smoothing)"] == "evaluation"
    assert found["--test-batch-size"] == found["evaluate.batch"] == found["evaluate.temperature"] == "evaluation"
    assert (found["--epochs"], found["--data"], found["--num-workers"]) == ("budget", "data", "infrastructure")


def test_config_files_and_imports_are_followed(yaml_repo: Checked) -> None:
    assert set(offered(yaml_repo)) == {
        "configs/base.yaml:train.lr",
        "configs/base.yaml:train.min_lr",
        "configs/base.yaml:train.optim",
        "configs/base.yaml:train.hidden",
        "configs/base.yaml:train.batch_size",
        "configs/base.yaml:train.betas[0]",
        "configs/base.yaml:train.betas[1]",
        "configs/base.yaml:train.use_bias",
        "configs/base.yaml:train.weight_decay",
        "pkg/model.py:Net.__init__.dropout",
    }
    assert frozen(yaml_repo)["TrainCfg.lr"] == "no effect"
    assert frozen(yaml_repo)["eval.batch_size"] == "evaluation"


def test_seeds_are_told(constants: Checked, options: Checked, yaml_repo: Checked) -> None:
    def seeds(checked: Checked) -> list[str]:
        return [note.summary for note in checked.notes if note.summary.startswith("seed: ")]

    assert seeds(constants) == ["seed: literal train.py:SEED = 1337"]
    assert seeds(options) == ["seed: argument --seed default 1337"]
    assert seeds(yaml_repo) == ["seed: literal configs/base.yaml:train.seed = 7"]
    text = "import os, random\nrandom.seed(int(os.environ['SEED']))\nlr = 0.1\n"
    assert seeds(check({"t.py": text}, "t.py")) == ["seed: variable SEED"]
    text = "p.add_argument('--seed', type=int)\nlr = 0.1\ntorch.manual_seed(3)\n"
    assert seeds(check({"t.py": text}, "t.py")) == [
        "seed: argument --seed default None",
        "seed: literal t.py:manual_seed(seed) = 3",
    ]


def test_ids_do_not_depend_on_lines() -> None:
    body = "lr = 1e-3\nclass C:\n    depth = 3\n"
    assert set(script(body)) == set(script("# moved\n\n\n" + body))


def test_name_that_moves_in_one_scope_is_a_setting_in_another() -> None:
    text = "class Options:\n    rate: float = 0.1\ndef train(o):\n    rate = 0.5\n    rate *= 0.9\n"
    assert set(script(text)) == {"train.py:Options.rate"}


def test_only_the_quantity_that_reaches_a_generator_is_a_seed() -> None:
    text = "cfg = {'lr': 0.1, 'start': 3}\nrng = default_rng(cfg['start'])\n"
    checked = check({"t.py": text}, "t.py")
    assert (set(offered(checked)), frozen(checked)) == ({"t.py:cfg.lr"}, {"cfg.start": "seed"})


def test_repeated_names_are_told_apart() -> None:
    assert set(script("import sys\nif sys.argv:\n    lr = 1e-3\nelse:\n    lr = 1e-4\n")) == {
        "train.py:lr",
        "train.py:lr#2",
    }


@pytest.mark.parametrize(
    "text",
    [
        "lr = 0.1\nlr += 0.1\n",
        "lr = 0\n",
        "loss_weight = 0.5\n",
        "num_epochs = 3\n",
        "for lr in (0.1, 0.2):\n    pass\n",
        "train_split = 0.9\n",
        "img_size = 32\n",
        "port = 8080\n",
        "k = 5\n",
        "kernel_size = 3\n",
        "lr = f'{3}'\n",
        "def evaluate():\n    lr = 0.1\n",
    ],
)
def test_what_must_not_be_offered(text: str) -> None:
    assert script(text) == {}


def test_user_word_comes_first() -> None:
    text = "lr = 0.1\nk = 5\nepochs = 3\nmode = 'a'\n"
    settings = {
        "frozen": ["train.py:l*"],
        "tunable": {
            "train.py:k": {"low": 2, "high": 9},
            "train.py:epochs": {},
            "train.py:mode": {"choices": ["a", "b"]},
        },
    }
    checked = check({"train.py": text}, "train.py", **settings)
    found = offered(checked)
    assert set(found) == {"train.py:k", "train.py:epochs", "train.py:mode"}
    assert (found["train.py:k"]["minimum"], found["train.py:k"]["maximum"]) == (2, 9)
    assert found["train.py:mode"]["enum"] == ["a", "b"]
    assert frozen(checked)["lr"] == "user"


def test_protected_and_uneditable_files_are_frozen() -> None:
    files = {"train.py": "import model\nlr = 0.1\n", "model.py": "dropout = 0.1\n"}
    assert set(offered(check(files, "train.py", protected=["model.py"]))) == {"train.py:lr"}
    assert set(offered(check(files, "train.py", editable=["model.py"]))) == {"model.py:dropout"}


def test_tests_vendored_code_and_packaging_are_not_searched() -> None:
    body = "lr = 0.1\n"
    paths = ("tests/a.py", "test_a.py", "setup.py", "vendor/x/y.py", ".hidden/z.py", "docs/conf.py")
    assert set(offered(check(dict.fromkeys((*paths, "src/main.py"), body)))) == {"src/main.py:lr"}


@pytest.mark.parametrize("text", ["lr = (0.1\n", "lr = 0.1\n\0", b"\xff\xfe", "x = " + "(" * 300 + ")" * 300])
def test_unreadable_script_is_not_applicable_and_says_why(text: str | bytes) -> None:
    checked = check({"train.py": text}, "train.py")
    assert not checked.applicable
    assert any(note.severity == "error" for note in checked.notes)
    assert any("train.py" in note.summary for note in checked.notes)


def test_shell_scripts_lead_to_python() -> None:
    files = {"train.sh": "set -e\npython -m app.main --config conf/a.yaml\n", "app/main.py": "lr = 0.1\n"}
    files |= {"conf/a.yaml": "wd: 0.1\n", "other.py": "lr = 0.2\n"}
    assert set(offered(check(files, "train.sh"))) == {"app/main.py:lr", "conf/a.yaml:wd"}
