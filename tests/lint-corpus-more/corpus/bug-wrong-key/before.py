config = {"lr": 0.1}
print("result:", config["learning_rate"])
