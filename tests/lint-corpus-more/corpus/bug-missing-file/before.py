with open("data/train.bin", "rb") as file:
    print("result:", len(file.read()))
