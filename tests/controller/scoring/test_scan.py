import itertools
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.scoring.numbers import read_number
from nightlab.controller.scoring.scan import LINE_LIMIT_BYTES, LineMeter, Pattern, scan_log, screen_line

LOSS = r"val_bpb:\s*(\S+)"


def reading(output, pattern=LOSS, select="last"):
    meter = LineMeter({"loss": Pattern(pattern, select)})
    meter.feed(output)
    return meter.close()["loss"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.93", 1.93),
        ("1e-3", 1e-3),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("87.5%", 87.5),
        ("1,234,567.8", 1234567.8),
        ("(0.5),", 0.5),
        ("2.5.", 2.5),
        ("+7", 7.0),
    ],
)
def test_numbers_as_programs_print_them(text, value):
    assert read_number(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["True", "None", "1.5s", "1_000", "0x10", "", "1,23", "--1", "9" * 65, "1e99999", "1 2"]
)
def test_what_is_not_one_number_is_not_guessed(text):
    assert read_number(text) is None


def test_nan_is_read_as_such():
    assert math.isnan(read_number("NaN"))
    assert read_number("-inf") == -math.inf


@pytest.mark.parametrize(
    ("select", "value", "line"), [("last", 3.0, 4), ("first", 2.0, 1), ("min", 1.0, 3), ("max", 3.0, 4)]
)
def test_select_says_which_match_counts(select, value, line):
    found = reading(b"val_bpb: 2\nnothing\nval_bpb: 1\nval_bpb: 3\n", select=select)
    assert (found.value, found.place, found.seen) == (value, line, 3)


def test_a_run_that_ends_in_nan_has_no_score_although_it_had_one_before():
    found = reading(b"val_bpb: 2\nval_bpb: nan\n")
    assert found.value is None
    assert "nan" in found.why
    assert reading(b"val_bpb: nan\nval_bpb: 2\nval_bpb: nan", select="min").value == 2.0


def test_missing_is_not_zero():
    found = reading(b"hello\n")
    assert found.value is None
    assert "no line" in found.why


def test_a_last_match_that_is_no_number_is_not_replaced_by_an_earlier_one():
    found = reading(b"val_bpb: 2\nval_bpb: 1.5s\n")
    assert found.value is None
    assert "1.5s" in found.why


def test_a_progress_bar_is_many_lines_and_a_named_group_is_found():
    found = reading(b"step 1 loss 9\rstep 2 loss 8\rstep 3 loss 7", r"(step) \d loss (?P<value>\d)")
    assert (found.value, found.place) == (7.0, 3)


def test_a_group_that_took_no_part_in_the_match_is_no_number():
    assert reading(b"loss\n", r"loss(?: (\d+))?").value is None


def test_an_endless_line_is_cut_and_takes_no_memory():
    meter = LineMeter({"loss": Pattern(LOSS)})
    for _ in range(100):
        meter.feed(b"x" * 100_000)
    assert len(meter._rest) <= LINE_LIMIT_BYTES
    meter.feed(b" val_bpb: 1\nval_bpb: 2\n")
    assert meter.close()["loss"].value == 2.0


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_where_the_output_is_cut_into_pieces_changes_nothing(noise, cuts):
    output = noise + b"\nval_bpb: 1.25\r\n" + noise[:50]
    whole = reading(output)
    meter = LineMeter({"loss": Pattern(LOSS)})
    edges = [0, *sorted(min(c, len(output)) for c in cuts), len(output)]
    for start, end in itertools.pairwise(edges):
        meter.feed(output[start:end])
    assert meter.close()["loss"] == whole


def test_the_helper_reads_what_the_meter_reads(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"\xff\xfe\x00 garbage\n" * 1000 + b"val_bpb: 1.5\nmem 7\n")
    found = scan_log(log, {"loss": Pattern(LOSS), "mem": Pattern(r"mem (\d+)", "max")})
    assert (found["loss"].value, found["mem"].value) == (1.5, 7.0)


def test_a_module_of_the_repo_cannot_stand_in_for_the_helpers_own(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    log = tmp_path / "log"
    log.write_text("val_bpb: 1.5\n")
    monkeypatch.chdir(tmp_path)
    assert scan_log(log, {"loss": Pattern(LOSS)})["loss"].value == 1.5


def test_a_pattern_that_never_ends_costs_its_deadline_and_only_itself(tmp_path):
    log = tmp_path / "log"
    log.write_text("val_bpb: 1.5\n" + "a" * 60 + "!\n")
    begun = time.monotonic()
    found = scan_log(log, {"loss": Pattern(LOSS), "bad": Pattern(r"(a+)+$")}, limit_s=2.0)
    assert found["loss"].value == 1.5
    assert found["bad"].value is None
    assert "longer than 2 s" in found["bad"].why
    assert time.monotonic() - begun < 30


def test_a_log_that_is_gone_is_a_reason_not_an_exception(tmp_path):
    found = scan_log(tmp_path / "none", {"loss": Pattern(LOSS)})
    assert found["loss"].value is None
    assert "cannot be scanned" in found["loss"].why


def test_colours_and_progress_bars_do_not_hide_a_number(tmp_path):
    log = tmp_path / "output.log"
    log.write_bytes(b"\x1b[32mval_loss\x1b[0m: \x1b[1m0.75\x1b[0m\n\x1b]0;title\x07val\x1b[K_loss: 0.5\x08\x08\r")
    reading = scan_log(log, {"loss": Pattern(r"^val_loss: (\S+)$")})["loss"]
    assert (reading.value, reading.seen) == (0.5, 2)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("step 1 loss 2.5", "step 1 loss 2.5"),
        (
            "\r\x1b[32mEpoch 0\x1b[0m:  0%|   |\r\x1b[32mEpoch 0\x1b[0m: 100%|###|, val=\x1b[1m0.3\x1b[0m",
            "Epoch 0: 100%|###|, val=0.3",
        ),
        ("done\r", "done"),
        ("\r\r", ""),
        ("\ud800 lone", "? lone"),
    ],
)
def test_a_progress_bar_is_read_as_a_terminal_leaves_it(line, shown):
    assert screen_line(line) == shown
