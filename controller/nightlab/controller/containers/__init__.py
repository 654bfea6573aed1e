"""Starts a container, serves its link, hands it over and takes it down: what trials and plugins share."""
