import builtins

seen = getattr(builtins, 'rate', 0)
