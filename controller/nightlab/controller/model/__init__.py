"""The nouns of a study as frozen values: tree, action, trial, score. No effects, no engine, no database."""
