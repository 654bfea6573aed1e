def examples():
    """Examples.

    >>> train( 1,2 )
    """


print("result:", len(examples.__doc__))
