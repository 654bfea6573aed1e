from collections import defaultdict

options = defaultdict(default_factory=int)
print("result:", dict(options) == {}, options.default_factory)
