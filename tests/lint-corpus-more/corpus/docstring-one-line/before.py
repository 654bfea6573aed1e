def prompt():
    """
    Answer yes or no.
    """


print("result:", repr(prompt.__doc__))
