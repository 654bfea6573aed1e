raise SystemExit("HOSTILE json")
