"""`nightlab gate`: the gate on any working tree, without a study."""
