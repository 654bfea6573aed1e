class Model:
    def state(this):
        return sorted(locals())


print("result:", Model().state())
