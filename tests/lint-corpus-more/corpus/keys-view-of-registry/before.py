class Registry:
    def __init__(self):
        self.rows = {"adam": "opt", "cosine": "sched"}

    def keys(self):
        return self.rows.keys()

    def __contains__(self, name):
        return name in self.rows.values()


registry = Registry()
print("result:", "adam" in registry.keys())
