"""The night: prepares a site, asks a policy, runs trials, judges them and remembers everything."""
