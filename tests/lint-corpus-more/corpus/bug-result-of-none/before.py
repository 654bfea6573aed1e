def evaluate(model):
    model.append(1)


loss = evaluate([]) + 1
print("result:", loss)
