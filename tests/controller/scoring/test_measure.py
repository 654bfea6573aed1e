from nightlab.controller.config.schema import Constraint, CsvFile, JsonFile, Objective, Observed, Regex
from nightlab.controller.model.score import Trust
from nightlab.controller.model.trial import Usage
from nightlab.controller.scoring.measure import measure_run, measured_paths

LOSS = Objective(name="loss", measure=Regex(pattern=r"val_loss: (\S+)"))
ACCURACY = Objective(name="accuracy", measure=JsonFile(source="json", path="out/score.json", key="acc"))
SPEED = Objective(name="speed", measure=CsvFile(source="csv", path="out/log.csv", column="tps", select="max"))
MEMORY = Constraint(name="memory", measure=Observed(source="observed", quantity="peak_memory"), max=1e9)
GPU = Constraint(name="gpu", measure=Observed(source="observed", quantity="gpu_memory"), max=1e9)
ALL = (LOSS, ACCURACY, SPEED, MEMORY, GPU)


def test_every_quantity_is_measured_with_its_source(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"step 1\nval_loss: 1.75\n")
    files = {"out/score.json": b'{"acc": 0.9}', "out/log.csv": b"tps\n10\n30\n20\n"}
    found = measure_run(ALL, log, files, Usage(train_s=3.0, peak_memory_bytes=5000))
    assert [m.value for m in found] == [1.75, 0.9, 30.0, 5000.0, None]
    assert [m.trust for m in found] == [Trust.REPORTED] * 3 + [Trust.OBSERVED] * 2
    assert found[0].source == r"last match of /val_loss: (\S+)/, line 2 of the output"
    assert found[2].source == "max tps of out/log.csv, row 3"


def test_what_a_run_did_not_leave_has_no_value_and_a_reason(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"Traceback\n")
    found = measure_run(ALL, log, {}, Usage())
    assert [m.value for m in found] == [None] * 5
    assert found[1].source == "the run did not write out/score.json"
    assert "no line of 1 matches" in found[0].source


def test_only_files_that_are_measured_are_asked_for():
    assert measured_paths(ALL) == ("out/log.csv", "out/score.json")


DATED = Objective(name="rmse", measure=JsonFile(source="json", path="runs/*/result.json", key="rmse"))


def test_a_file_in_a_folder_that_each_run_names_anew_is_found_by_a_glob(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"")
    files = {"runs/2026-11-23/result.json": b'{"rmse": 0.5}', "runs/deep/er/result.json": b'{"rmse": 9}'}
    (found,) = measure_run((DATED,), log, files, Usage())
    assert (found.value, found.source) == (0.5, "last rmse of runs/2026-11-23/result.json, row 1")


def test_two_files_that_match_give_no_value_because_one_may_be_old(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"")
    files = {f"runs/{day}/result.json": b'{"rmse": 0.5}' for day in ("b", "a")}
    (found,) = measure_run((DATED,), log, files, Usage())
    assert found.value is None
    assert found.source.startswith("2 files match runs/*/result.json (runs/a/result.json, runs/b/result.json")
