loss = 0.25
print(f"result:", f"{str(loss)} {repr(loss)}")
