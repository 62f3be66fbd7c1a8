"""Memory of a step, generated and PyTorch's: `python benchmarks/memory.py`.

Each network runs in processes of its own, in float32; the figure is how far three steps (loss and
all gradients) raise the largest resident size above that of a process which has made parameters
and data. PyTorch runs with its own modules where it has them. `low` is the module of
`--memory low`, and its cost the time of its step over that of the other: interleaved, the median of
11 rounds.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
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
BLOCK = """
  a{0} = x{0} + multi_head_attention(layer_norm(x{0}), 4, causal=True)
  x{1} = a{0} + dense(gelu_tanh(dense(layer_norm(a{0}), 512)), 128)
"""
BLOCKS = f"""
name: blocks
inputs: {{ids: {{shape: [N, T], classes: 65}}, y: {{shape: [N, T], classes: 65}}}}
network: |
  x0 = embedding(ids, 128)
{"".join(BLOCK.format(k, k + 1) for k in range(12))}
  p = softmax(dense(layer_norm(x12), 65))
loss: cross_entropy(p, y)
"""
SPECS = {"lenet": LENET, "lstm": LSTM, "transformer": TRANSFORMER, "blocks": BLOCKS}
EXTENTS = {
    "lenet": {"N": 128},
    "lstm": {"N": 64, "T": 50},
    "transformer": {"N": 32, "T": 64},
    "blocks": {"N": 8, "T": 64},
}


def arrays(name: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    extents = EXTENTS[name]
    if name == "lenet":
        x = rng.random((extents["N"], 28, 28, 1), dtype=np.float32)
        return {"x": x, "y": rng.integers(0, 10, extents["N"])}
    shape = (extents["N"], extents["T"])
    return {"ids": rng.integers(0, 65, shape), "y": rng.integers(0, 65, shape)}


def generated(name: str, memory: str = "high") -> Callable[[], object]:
    """One step of the generated module, which makes its workspace the first time."""
    import symbackprop as sb

    net = sb.compile(sb.derive(sb.parse(SPECS[name])), memory=memory)
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


WAYS = {
    "generated": generated,
    "low": lambda name: generated(name, "low"),
    "torch": by_torch,
}


def grown(name: str, who: str) -> float:
    """Megabytes that three steps add to the peak of this process."""
    step = WAYS[who](name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def cost(name: str) -> float:
    """The time of a step with low memory over that of the other."""
    steps = [generated(name, memory) for memory in ("high", "low")]
    rounds = [[_seconds(step) for step in steps] for _ in range(12)]
    return statistics.median(low / high for high, low in rounds[1:])


def _seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def measured(name: str, what: str) -> float:
    """One figure, from a process of its own."""
    command = [sys.executable, __file__, name, what]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(ran.stdout)


def main() -> None:
    if len(sys.argv) == 3:
        name, what = sys.argv[1:]
        print(cost(name) if what == "cost" else grown(name, what))
        return
    print(f"{'network':12} {'generated':>10} {'low':>8} {'PyTorch':>9}   (MB)   low costs")
    for name in SPECS:
        ways = ["generated", "low"] + (["torch"] if name != "blocks" else [])
        figures = [measured(name, way) for way in ways]
        by_way = f"{figures[0]:10.1f} {figures[1]:8.1f}"
        torch = f"{figures[2]:9.1f}" if len(figures) > 2 else " " * 9
        print(f"{name:12} {by_way} {torch}          {measured(name, 'cost'):5.2f}")


if __name__ == "__main__":
    main()
