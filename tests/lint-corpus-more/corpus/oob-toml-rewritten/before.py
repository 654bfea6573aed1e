import tomllib

with open("pyproject.toml", "rb") as file:
    print("result:", tomllib.load(file)["tool"]["train"]["warmup"])
