"""One trial's walk from spawn to outcome. Knows nothing of the study, the policy or where it runs."""
