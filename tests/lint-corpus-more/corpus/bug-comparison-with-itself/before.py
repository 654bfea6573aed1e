def is_better(loss, best):
    return loss < loss


print("result:", is_better(1.0, 2.0))
