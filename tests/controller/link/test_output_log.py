"""The log on disk keeps everything up to its cap, and says by itself how far it goes."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from nightlab.controller.link.output_log import OutputLog

CHUNKS = st.lists(st.binary(max_size=40), max_size=30)


@given(chunks=CHUNKS, reopen_at=st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_small_output_is_kept_whole_across_a_reopening(tmp_path_factory, chunks, reopen_at):
    path = tmp_path_factory.mktemp("log") / "out"
    log = OutputLog(path, head_bytes=10_000)
    for number, chunk in enumerate(chunks):
        if number == reopen_at:
            log = OutputLog(path, head_bytes=10_000)
        log.append(chunk)
    log.finish()
    assert path.read_bytes() == b"".join(chunks)


@given(chunks=CHUNKS, reopen_at=st.integers(0, 30), head=st.integers(1, 30), tail=st.integers(2, 60))
@settings(max_examples=150, deadline=None)
def test_long_output_keeps_head_and_tail_and_its_offset(tmp_path_factory, chunks, reopen_at, head, tail):
    path = tmp_path_factory.mktemp("log") / "out"
    whole = b"".join(chunks)
    log = OutputLog(path, head_bytes=head, tail_bytes=tail)
    for number, chunk in enumerate(chunks):
        if number == reopen_at:
            log = OutputLog(path, head_bytes=head, tail_bytes=tail)
        log.append(chunk)
    assert log.end == len(whole)
    assert sum(file.stat().st_size for file in path.parent.iterdir()) <= head + tail
    log.finish()
    kept = path.read_bytes()
    assert kept.startswith(whole[:head])
    assert kept.endswith(whole[max(head, len(whole) - tail // 2) :])
    assert [file.name for file in path.parent.iterdir()] == ["out"]


def test_what_was_left_out_is_named(tmp_path: Path):
    log = OutputLog(tmp_path / "out", head_bytes=10, tail_bytes=20)
    log.append(bytes(range(48, 58)) * 10)
    log.finish()
    assert b"[nightlab: 70 bytes of output were left out here]" in (tmp_path / "out").read_bytes()


def test_a_reader_that_is_too_slow_goes_on_where_the_tail_begins(tmp_path: Path):
    log = OutputLog(tmp_path / "out", head_bytes=10, tail_bytes=20)
    log.append(b"0123456789" * 10)
    assert log.read(4, 100) == (4, b"456789")
    begin, content = log.read(10, 100)
    assert (begin, content) == (80, b"0123456789")
    log.finish()
    assert log.read(85, 100) == (85, b"56789")
    assert log.read(100, 100) == (100, b"")


def test_a_log_that_was_killed_while_joining_is_joined_once(tmp_path: Path):
    log = OutputLog(tmp_path / "out", head_bytes=10, tail_bytes=20)
    log.append(b"0123456789" * 10)
    segments = {file: file.read_bytes() for file in tmp_path.glob("out.tail.*")}
    log.finish()
    joined = (tmp_path / "out").read_bytes()
    for file, content in segments.items():  # the kill came before they were removed
        file.write_bytes(content)
    again = OutputLog(tmp_path / "out", head_bytes=10, tail_bytes=20)
    assert again.end == 100
    again.finish()
    assert (tmp_path / "out").read_bytes() == joined
    assert not list(tmp_path.glob("out.tail.*"))


def test_lost_bytes_are_skipped_and_named(tmp_path: Path):
    log = OutputLog(tmp_path / "out")
    log.append(b"before")
    log.skip_to(1006)
    log.append(b"after")
    assert OutputLog(tmp_path / "out").end == 1011
    log.finish()
    assert (tmp_path / "out").read_text() == "before\n[nightlab: 1000 bytes of output were left out here]\nafter"
