"""The spool is a window of a byte stream, whatever the order of writes, reads and acknowledgements."""

from hypothesis import given
from hypothesis import strategies as st

from nightlab.sandbox.spool import SEGMENT_BYTES, Spool

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(max_size=50)),
        st.tuples(st.just("acknowledge"), st.integers(0, 500)),
        st.tuples(st.just("read"), st.integers(0, 500)),
    ),
    max_size=50,
)


@given(STEPS)
def test_window_equals_the_stream(steps):
    spool, stream, start = Spool(), b"", 0
    for kind, value in steps:
        if kind == "append":
            spool.append(value)
            stream += value
        elif kind == "acknowledge":
            spool.acknowledge(value)
            start = max(start, min(value, len(stream)))
        else:
            offset = max(value, start)
            assert spool.read(value, 20) == stream[offset : offset + 20]
        assert (spool.start, spool.end, spool.held_bytes) == (start, len(stream), len(stream) - start)


def test_tiny_writes_are_joined():
    spool = Spool()
    for _ in range(3 * SEGMENT_BYTES):
        spool.append(b"x")
    assert len(spool._segments) <= 4


def test_large_writes_are_not_copied():
    spool, chunk = Spool(), bytes(200_000)
    spool.append(chunk)
    assert spool._segments[0] is chunk
