"""Turns what a run left behind into scores, and scores into verdicts. Decides; the study acts."""
