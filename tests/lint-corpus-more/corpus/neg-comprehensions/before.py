sizes = set(n * 2 for n in range(3))
more = set([n for n in range(3)])
table = dict([(n, n) for n in range(3)])
print("result:", sorted(sizes | more | set([7])), table, dict(), list([1, 2]))
