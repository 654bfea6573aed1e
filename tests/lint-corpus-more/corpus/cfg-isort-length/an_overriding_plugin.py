import builtins

builtins.order = 'overridden'
