"""Numbers in files that a run wrote, wherever it names its folder by the clock."""

import pytest

from nightlab.controller.onboarding.result_files import file_metrics

RESULT = b'{"config": {"lr": 0.1}, "results": {"test": {"rmse": 0.5, "n": 120}}}'
TABLE = b"round,train_rmse,valid_rmse\n0,1.5,1.7\n1,1.2,1.4\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("results.json", "results.json"),
        ("outputs/2026-11-23_18-17-40/results.json", "outputs/*/results.json"),
        ("outputs/2026-11-23/18-17-40/results.json", "outputs/*/*/results.json"),
        ("logs/results_20261123T181740.json", "logs/results_*.json"),
        ("runs/v2/results.json", "runs/v2/results.json"),
    ],
)
def test_a_path_that_changes_becomes_a_glob(path: str, expected: str) -> None:
    (found,) = file_metrics({path: RESULT})
    assert (found.measure.path, found.value) == (expected, 0.5)


def test_a_glob_that_finds_two_files_is_not_offered() -> None:
    assert not file_metrics({"a/2026-11-23/r.json": RESULT, "a/2026-11-24/r.json": RESULT})


def test_the_validation_column_of_a_dated_table_comes_first() -> None:
    first = file_metrics({"outputs/2026-11-23/18-17-40/metrics.csv": TABLE})[0]
    assert first.measure.model_dump() == {
        "source": "csv",
        "path": "outputs/*/*/metrics.csv",
        "column": "valid_rmse",
        "select": "last",
    }
    assert first.value == 1.4
