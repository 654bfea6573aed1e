def prompt():
    """ Answer yes or no.   

      Then say why.   """


print("result:", repr(prompt.__doc__))
