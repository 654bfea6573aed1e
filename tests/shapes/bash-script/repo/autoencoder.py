import argparse
import numpy as np


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument('--input', type=str, required=True)
    p.add_argument('--bottleneck', type=int, default=4)
    p.add_argument('--lr', type=float, default=0.01)
    p.add_argument('--beta1', type=float, default=0.9)
    p.add_argument('--beta2', type=float, default=0.999)
    p.add_argument('--epochs', type=int, default=40)
    p.add_argument('--batch-size', type=int, default=16)
    p.add_argument('--seed', type=int, default=0)
    return p.parse_args()


class Adam:
    def __init__(self, params, lr, beta1, beta2, eps=1e-8):
        self.params, self.lr, self.b1, self.b2, self.eps = params, lr, beta1, beta2, eps
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.t = 0

    def step(self, grads):
        self.t += 1
        for p, g, m, v in zip(self.params, grads, self.m, self.v):
            m += (1 - self.b1) * (g - m)
            v += (1 - self.b2) * (g * g - v)
            p -= self.lr * (m / (1 - self.b1 ** self.t)) / (np.sqrt(v / (1 - self.b2 ** self.t)) + self.eps)


def main(args):
    rng = np.random.default_rng(args.seed)
    X = np.load(args.input)
    X = X[rng.permutation(len(X))]
    n_val = len(X) // 5
    val, train = X[:n_val], X[n_val:]
    mu, sd = train.mean(0), train.std(0) + 1e-3
    val, train = (val - mu) / sd, (train - mu) / sd

    d, k = X.shape[1], args.bottleneck
    W1, W2 = rng.normal(0, d ** -0.5, (d, k)), rng.normal(0, k ** -0.5, (k, d))
    b1, b2 = np.zeros(k), np.zeros(d)
    opt = Adam([W1, b1, W2, b2], args.lr, args.beta1, args.beta2)

    for epoch in range(args.epochs):
        order = rng.permutation(len(train))
        for i in range(0, len(train), args.batch_size):
            x = train[order[i:i + args.batch_size]]
            h = np.tanh(x @ W1 + b1)
            err = (h @ W2 + b2 - x) / len(x)
            dh = (err @ W2.T) * (1 - h ** 2)
            opt.step([x.T @ dh, dh.sum(0), h.T @ err, err.sum(0)])
        if (epoch + 1) % 20 == 0:
            mse = np.mean((np.tanh(val @ W1 + b1) @ W2 + b2 - val) ** 2)
            print('[%d/%d] Validation MSE %.5f' % (epoch + 1, args.epochs, mse))


if __name__ == '__main__':
    main(get_args())
