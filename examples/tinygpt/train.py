"""Trains a byte-level GPT on the source of Python's standard library and reports its validation bits per byte.

The text is what the interpreter that runs this file came with: nothing is downloaded. One core, a fixed number of
steps, some ten seconds.
"""

import argparse
import json
import math
import sysconfig
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Data
VAL_EVERY = 10  # every tenth file is for validation
SKIPPED_DIRS = {"dist-packages", "encodings", "pydoc_data", "site-packages", "test"}  # not ours, or tables

# Optimization
STEPS = 500
BATCH_SIZE = 8
LEARNING_RATE = 1e-3
MIN_LR_FRACTION = 0.1
WARMUP_STEPS = 50
BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.1
GRAD_CLIP = 1.0

# Evaluation
EVAL_SPANS = 64
EVAL_SPAN_BYTES = 1024


@dataclass(frozen=True)
class GPTConfig:
    """The shape of the model."""

    vocab_size: int = 256
    context: int = 64
    n_layer: int = 2
    n_head: int = 4
    n_embd: int = 96
    mlp_ratio: int = 4
    dropout: float = 0.0
    init_std: float = 0.02
    tie_weights: bool = True


class Block(nn.Module):
    """Causal self-attention and a two-layer perceptron, each behind a layer norm and beside a residual path."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.dropout = config.dropout
        self.norm_1 = nn.LayerNorm(config.n_embd)
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.project = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.norm_2 = nn.LayerNorm(config.n_embd)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, config.mlp_ratio * config.n_embd),
            nn.GELU(),
            nn.Linear(config.mlp_ratio * config.n_embd, config.n_embd),
            nn.Dropout(config.dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))

    def attend(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.n_head, width // self.n_head).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind(0)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(batch, length, width))


class GPT(nn.Module):
    """A decoder-only transformer with learned positions."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.bytes = nn.Embedding(config.vocab_size, config.n_embd)
        self.positions = nn.Embedding(config.context, config.n_embd)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.apply(self.init_weights)
        if config.tie_weights:
            self.head.weight = self.bytes.weight

    def init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.init_std)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy in nats per byte."""
        positions = torch.arange(tokens.shape[1])
        x = self.drop(self.bytes(tokens) + self.positions(positions))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def source_files() -> list[Path]:
    """List the standard library's modules, in an order that does not depend on the file system."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = [path for path in root.rglob("*.py") if not SKIPPED_DIRS & set(path.relative_to(root).parts)]
    return sorted(files, key=lambda path: path.relative_to(root).as_posix())


def load_split() -> tuple[Tensor, Tensor]:
    """Read all files and return training and validation bytes; a file is in one of them only."""
    texts = [path.read_bytes() for path in source_files()]
    train = b"".join(text for i, text in enumerate(texts) if i % VAL_EVERY)
    val = b"".join(texts[::VAL_EVERY])
    return as_tensor(train), as_tensor(val)


def as_tensor(text: bytes) -> Tensor:
    return torch.frombuffer(bytearray(text), dtype=torch.uint8)


def windows(data: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cut inputs and next-byte targets of the given length at the given offsets."""
    chunk = data[starts[:, None] + torch.arange(length + 1)].long()
    return chunk[:, :-1], chunk[:, 1:]


def learning_rate(step: int) -> float:
    """Warm up linearly, then decay along a cosine."""
    if step < WARMUP_STEPS:
        return LEARNING_RATE * (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, STEPS - WARMUP_STEPS)
    floor = LEARNING_RATE * MIN_LR_FRACTION
    return floor + (LEARNING_RATE - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def make_optimizer(model: GPT) -> torch.optim.AdamW:
    """Decay matrices, leave norms and biases alone."""
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS)


def train(model: GPT, data: Tensor, log_every: int) -> None:
    optimizer = make_optimizer(model)
    began = time.perf_counter()
    model.train()
    for step in range(STEPS):
        starts = torch.randint(len(data) - model.config.context, (BATCH_SIZE,))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        loss = model(*windows(data, starts, model.config.context))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), GRAD_CLIP)
        optimizer.step()
        if step % log_every == 0 or step == STEPS - 1:
            print(f"step {step:4d} | train_loss: {loss.item():.4f} | {time.perf_counter() - began:5.1f} s", flush=True)


@torch.no_grad()
def evaluate(model: GPT, data: Tensor) -> float:
    """Return bits per byte over spans spread evenly over the validation bytes: the same ones whatever the model."""
    model.eval()
    starts = torch.linspace(0, len(data) - EVAL_SPAN_BYTES - 1, EVAL_SPANS).long()
    tokens, targets = windows(data, starts, EVAL_SPAN_BYTES)
    nats = 0.0
    for start in range(0, EVAL_SPAN_BYTES, model.config.context):
        part = slice(start, start + model.config.context)
        nats += model(tokens[:, part], targets[:, part]).item() * targets[:, part].numel()
    return nats / targets.numel() / math.log(2)


def save(model: GPT, out: Path, val_bpb: float, seed: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), out / "model.pt")
    summary = {"config": asdict(model.config), "seed": seed, "val_bpb": round(val_bpb, 4)}
    (out / "config.json").write_text(json.dumps(summary, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--log-every", type=int, default=50, metavar="STEPS")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    train_bytes, val_bytes = load_split()
    model = GPT(GPTConfig())
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters | {len(train_bytes):,} training bytes | {len(val_bytes):,} validation bytes")

    train(model, train_bytes, args.log_every)
    val_bpb = evaluate(model, val_bytes)
    save(model, args.out, val_bpb, args.seed)
    print(f"val_bpb: {val_bpb:.4f}")


if __name__ == "__main__":
    main()
