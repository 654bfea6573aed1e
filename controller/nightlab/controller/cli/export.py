"""`nightlab export`: hand over the winning change."""
