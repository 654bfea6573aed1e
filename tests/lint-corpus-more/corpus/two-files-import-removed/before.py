import model

print("result:", sorted(model.registry.known))
