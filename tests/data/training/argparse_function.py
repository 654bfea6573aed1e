"""Fits a residual network to a sum of sines."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class Residual(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, scale=1.0):
        return x + scale * self.dropout(self.outer(F.gelu(self.inner(self.norm(x)))))


class Net(nn.Module):
    def __init__(self, width, depth, dropout):
        super().__init__()
        self.first = nn.Linear(4, width)
        self.layers = nn.ModuleList([Residual(width, dropout) for _ in range(depth)])
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        x = self.first(x)
        for i, layer in enumerate(self.layers):
            x = layer(x, scale=0.5)  # keeps the sum small
        return self.last(x)


def train_epoch(model, loader, optimizer, device):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        predictions = model(inputs)
        loss = F.mse_loss(predictions, targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * inputs.size(0)
    return total / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--batch-size", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.0)
    args = parser.parse_args()

    torch.manual_seed(0)
    device = torch.device("cpu")
    x = torch.rand(120, 4)
    y = torch.sin(6 * x).sum(dim=1, keepdim=True)
    loader = DataLoader(TensorDataset(x, y), batch_size=args.batch_size)
    model = Net(width=32, depth=4, dropout=args.dropout).to(device)
    optimizer = optim.AdamW(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        print(f"epoch {epoch} loss {train_epoch(model, loader, optimizer, device):.6f}")


if __name__ == "__main__":
    main()
