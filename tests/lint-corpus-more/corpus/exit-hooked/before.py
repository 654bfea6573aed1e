import builtins

builtins.exit = lambda code: print("result:", code)
exit(3)
