import warnings


def old():
    warnings.warn("old")


with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    old()
print("result:", seen[0].lineno)
