def prompt():
    """Answer in one word.

    Columns:
        
    end"""


print("result:", len(prompt.__doc__))
