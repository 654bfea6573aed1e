from nightlab.controller.scoring.scan import Pattern
from nightlab.controller.scoring.watchdog import Watchdog, WatchdogRules

LOSS = Pattern(r"loss (\S+)")


def test_three_nans_in_a_row_end_a_run_and_two_do_not():
    watchdog = Watchdog(LOSS, WatchdogRules(), 0.0)
    watchdog.feed(b"loss nan\nloss nan\nloss 3\nloss inf\nloss na", 1.0)
    assert watchdog.check(2.0) is None
    watchdog.feed(b"n\nloss nan\n", 3.0)
    assert "3 times in a row" in watchdog.check(3.0)


def test_silence_ends_a_run_only_where_that_was_asked_for():
    quiet = Watchdog(LOSS, WatchdogRules(), 0.0)
    assert quiet.check(1e6) is None
    watched = Watchdog(LOSS, WatchdogRules(silence_s=60), 0.0)
    watched.feed(b"compiling", 50.0)
    assert watched.check(110.0) is None
    assert "no output for 61 s" in watched.check(111.0)
