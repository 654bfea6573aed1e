LR = 0.5
BETAS = (0.9, 0.95)


def rate(step):
    return LR * (1 - step / 300)


print("result:", rate(150), BETAS)
