"""The measurement of the gate: a corpus of programs and of what something else did to them, run for real."""
