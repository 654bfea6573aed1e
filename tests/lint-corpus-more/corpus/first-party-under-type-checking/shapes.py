class Batch(list):
    pass
