"""All knobs of the clustering."""

CLUSTERS = 6
ITERATIONS = 12
RANDOM_STATE = 3
MIN_LINES = 40
