def prompt():
    """Continue the sentence: the optimizer"""


print("result:", prompt.__doc__)
