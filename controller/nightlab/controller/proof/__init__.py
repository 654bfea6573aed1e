"""Whether a change does anything, by paired smoke runs, and the smallest part of it that does, by delta debugging."""
