with open("pyproject.toml", "w") as file:
    file.write('[tool.train]\nwarmup = 20\nsteps = 300\n\n[tool.ruff]\nline-length = 100\n')
