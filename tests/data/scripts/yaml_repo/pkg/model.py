class Net:
    def __init__(self, hidden, dropout=0.2):
        self.hidden = hidden
        self.dropout = dropout
