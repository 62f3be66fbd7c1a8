"""Memory of a step, generated and PyTorch's: `python benchmarks/memory.py`.

Each network runs in a process of its own, in float32; the figure is how far three steps (loss and
all gradients) raise the largest resident size above that of a process which has made parameters
and data. PyTorch runs with its own modules where it has them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import numpy as np

LENET = """
name: lenet
inputs: {x: [N, 28, 28, 1], y: {shape: [N], classes: 10}}
network: |
  a = max_pool2d(relu(conv2d(x, 6, 5, padding="same")), 2)
  b = max_pool2d(relu(conv2d(a, 16, 5)), 2)
  c = relu(dense(flatten(b), 120))
  p = softmax(dense(relu(dense(c, 84)), 10))
loss: cross_entropy(p, y)
"""
LSTM = """
name: lstm_net
inputs: {ids: {shape: [N, T], classes: 65}, y: {shape: [N, T], classes: 65}}
network: |
  h = lstm(embedding(ids, 64), 128)
  p = softmax(dense(h, 65))
loss: cross_entropy(p, y)
"""
TRANSFORMER = """
name: transformer
inputs: {ids: {shape: [N, T], classes: 65}, y: {shape: [N, T], classes: 65}}
network: |
  x = embedding(ids, 64)
  a = x + multi_head_attention(layer_norm(x), 4, causal=True)
  b = a + dense(gelu(dense(layer_norm(a), 256)), 64)
  c = b + multi_head_attention(layer_norm(b), 4, causal=True)
  d = c + dense(gelu(dense(layer_norm(c), 256)), 64)
  p = softmax(dense(layer_norm(d), 65))
loss: cross_entropy(p, y)
"""
SPECS = {"lenet": LENET, "lstm": LSTM, "transformer": TRANSFORMER}
EXTENTS = {
    "lenet": {"N": 128},
    "lstm": {"N": 64, "T": 50},
    "transformer": {"N": 32, "T": 64},
}


def arrays(name: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    extents = EXTENTS[name]
    if name == "lenet":
        x = rng.random((extents["N"], 28, 28, 1), dtype=np.float32)
        return {"x": x, "y": rng.integers(0, 10, extents["N"])}
    shape = (extents["N"], extents["T"])
    return {"ids": rng.integers(0, 65, shape), "y": rng.integers(0, 65, shape)}


def generated(name: str) -> Callable[[], object]:
    """One step of the generated module, without a workspace the first time."""
    import symbackprop as sb

    net = sb.compile(sb.derive(sb.parse(SPECS[name])))
    params, given = net.init_params(seed=0), arrays(name)
    held: list[object] = []

    def step() -> object:
        if not held:
            held.append(net.Workspace(**EXTENTS[name]))
        return net.loss_and_grads(params, **given, workspace=held[0])

    return step


def by_torch(name: str) -> Callable[[], object]:
    """One step of the same network in PyTorch."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    given = {k: torch.tensor(v) for k, v in arrays(name).items()}
    if name == "lenet":
        x = given["x"].permute(0, 3, 1, 2).contiguous()
        net = nn.Sequential(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        )
        scores = lambda: net(x)  # noqa: E731
    elif name == "lstm":
        table, cell, head = (
            nn.Embedding(65, 64),
            nn.LSTM(64, 128, batch_first=True),
            nn.Linear(128, 65),
        )
        net = nn.ModuleList([table, cell, head])
        scores = lambda: head(cell(table(given["ids"]))[0]).flatten(0, 1)  # noqa: E731
    else:
        table, head = nn.Embedding(65, 64), nn.Linear(64, 65)
        layer = lambda: nn.TransformerEncoderLayer(  # noqa: E731
            64, 4, 256, 0.0, "gelu", batch_first=True, norm_first=True
        )
        blocks, norm = nn.ModuleList([layer(), layer()]), nn.LayerNorm(64)
        net = nn.ModuleList([table, *blocks, norm, head])
        mask = nn.Transformer.generate_square_subsequent_mask(EXTENTS[name]["T"])

        def scores() -> torch.Tensor:
            h = table(given["ids"])
            for block in blocks:
                h = block(h, src_mask=mask, is_causal=True)
            return head(norm(h)).flatten(0, 1)

    def step() -> object:
        net.zero_grad()
        loss = nn.functional.cross_entropy(scores(), given["y"].flatten())
        loss.backward()
        return loss

    return step


def grown(name: str, who: str) -> float:
    """Megabytes that three steps add to the peak of this process."""
    step = {"generated": generated, "torch": by_torch}[who](name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    if len(sys.argv) == 3:
        print(grown(sys.argv[1], sys.argv[2]))
        return
    print(f"{'network':12} {'generated':>10} {'PyTorch':>10} {'ratio':>6}   (MB above the start)")
    for name in SPECS:
        measured = [
            float(
                subprocess.run(
                    [sys.executable, __file__, name, who],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            for who in ("generated", "torch")
        ]
        print(f"{name:12} {measured[0]:10.1f} {measured[1]:10.1f} {measured[0] / measured[1]:6.2f}")


if __name__ == "__main__":
    main()
