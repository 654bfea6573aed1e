"""Turns what a run left behind into scores, and scores into verdicts. Pure but for one helper process; decides, does nothing."""
