hooks = []


def register(hook):
    hooks.append(hook.__code__.co_argcount)


register(lambda one, other: one + other)
print("result:", hooks)
