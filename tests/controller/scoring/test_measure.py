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
