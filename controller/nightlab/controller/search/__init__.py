"""Who chooses the next action: the policy contract and the embedded policy `tpe`. Pure: no engine, no store."""
