class Name:
    def __init__(self, text):
        self.text = text

    def endswith(self, end):
        return self.text.endswith(end)

    def __getitem__(self, key):
        return Name(self.text[key])


def stem(name):
    if name.endswith(".pt"):
        name = name[:-3]
    return name


print("result:", stem(Name("best.pt")).text)
