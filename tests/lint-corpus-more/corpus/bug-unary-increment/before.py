step = 0
while step < 3:
    ++step
    if step == 0:
        break
print("result:", step)
