LAYERS = [
    "embed",
    "attention"
    "mlp",
    "head",
]
print("result:", len(LAYERS))
