# A small language model of letters, all in one go.
import torch
import torch.nn as nn
from torch.nn import functional as F

batch_size = 16
block_size = 12
max_iters = 6
learning_rate = 1e-2
n_embd = 24
n_layer = 3
dropout = 0.0

torch.manual_seed(1337)
text = "the quick brown fox jumps over the lazy dog; " * 20
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])


def get_batch():
    ix = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([data[i : i + block_size] for i in ix])
    y = torch.stack([data[i + 1 : i + block_size + 1] for i in ix])
    return x, y


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.ReLU(), nn.Linear(4 * n_embd, n_embd), nn.Dropout(dropout))
        self.ln = nn.LayerNorm(n_embd)

    def forward(self, x):
        return x + self.net(self.ln(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(len(chars), n_embd)
        self.blocks = nn.Sequential(*[Block() for _ in range(n_layer)])
        self.head = nn.Linear(n_embd, len(chars))

    def forward(self, idx, targets=None):
        x = self.table(idx)
        x = self.blocks(x)
        logits = self.head(x)
        if targets is None:
            return logits, None
        B, T, C = logits.shape
        loss = F.cross_entropy(logits.view(B * T, C), targets.view(B * T))
        return logits, loss


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
lossi = []

for iter in range(max_iters):
    xb, yb = get_batch()
    # evaluate the loss
    logits, loss = model(xb, yb)
    lossi.append(loss.item())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()

print("loss", " ".join(f"{each:.6f}" for each in lossi))
