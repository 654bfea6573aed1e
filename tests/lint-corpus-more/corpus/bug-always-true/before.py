def use_amp(device):
    if device == "cuda" or True:
        return True
    return False


print("result:", use_amp("cpu"))
