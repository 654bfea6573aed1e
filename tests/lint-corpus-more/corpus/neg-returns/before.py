def show(text):
    """Show a text."""
    pass
    print(text)
    return


show("result: 1")
