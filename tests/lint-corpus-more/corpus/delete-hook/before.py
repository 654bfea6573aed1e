class Cache(dict):
    freed = 0

    def __delitem__(self, key):
        type(self).freed += 1
        super().__delitem__(key)


def drop(cache: dict[str, int], key):
    if key in cache:
        del cache[key]


cache = Cache(a=1)
drop(cache, "a")
print("result:", Cache.freed)
