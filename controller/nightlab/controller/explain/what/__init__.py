"""What changed in a file, said as a programmer would. Pure functions; they run in the confined worker only."""
