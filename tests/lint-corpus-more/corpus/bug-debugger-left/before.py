loss = 0.5
breakpoint()
print("result:", loss)
