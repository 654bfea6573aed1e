"""Classifies points in rings; the loop is a class of its own."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 1e-3
    grad_clip: float = 1.0
    dropout: float = 0.0
    batch: int = 25
    epochs: int = 2


class Layer(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(width, 4 * width), nn.Tanh(), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(p=dropout)

    def forward(self, x, skip):
        x = self.mix(x)
        return self.drop(x) + skip, skip


class Rings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed = nn.Linear(2, 16)
        self.stack = nn.ModuleList(Layer(16, config.dropout) for _ in range(3))
        self.out = nn.Linear(16, 3)

    def forward(self, points):
        x = skip = self.embed(points)
        for layer in self.stack:
            x, skip = layer(x, skip)
        return self.out(x)


class Trainer:
    def __init__(self, config):
        self.config = config
        self.model = Rings(config)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = SGD(
            self.model.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )
        self.right = 0

    def train_step(self, points, labels):
        self.optimizer.zero_grad()
        logits = self.model(points)
        loss = self.criterion(logits, labels)
        loss.backward()
        clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        self.optimizer.step()
        self.right += (logits.argmax(dim=1) == labels).sum().item()
        return loss.item()

    def fit(self, loader):
        self.model.train()
        for epoch in range(self.config.epochs):
            losses = [0.0]
            for batch in loader:
                points, labels = batch
                losses.append(self.train_step(points, labels))
            print(f"epoch {epoch} loss {sum(losses):.6f} right {self.right}")


if __name__ == "__main__":
    torch.manual_seed(3)
    points = torch.randn(100, 2)
    labels = points.norm(dim=1).long().clamp(max=2)
    Trainer(config := Config()).fit(DataLoader(TensorDataset(points, labels), batch_size=config.batch))
