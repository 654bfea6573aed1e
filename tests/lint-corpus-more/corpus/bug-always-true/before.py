def use_amp(device):
    return device == "cuda" or True


print("result:", use_amp("cpu"))
