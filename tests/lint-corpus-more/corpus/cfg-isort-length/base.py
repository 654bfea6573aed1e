import builtins

order = getattr(builtins, 'order', 'plain')
