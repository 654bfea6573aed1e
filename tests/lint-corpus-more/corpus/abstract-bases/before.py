from abc import ABCMeta, abstractmethod


class Policy(metaclass=ABCMeta):
    @abstractmethod
    def act(self):
        """Act."""


print("result:", [base.__name__ for base in Policy.__bases__])
