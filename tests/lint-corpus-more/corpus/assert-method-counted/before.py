class Checks:
    failures = 0

    def assertEqual(self, one, other):
        self.failures += one != other

    def run(self):
        self.assertEqual(1, 2)
        return self.failures


print("result:", Checks().run())
