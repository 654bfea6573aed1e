def flat(rows: list[list[str]]):
    try:
        return sum(rows, [])
    except TypeError:
        return ["bad row"]


print("result:", flat([["a"], "bc"]))
