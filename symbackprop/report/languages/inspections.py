"""What inspections say: each English phrase with its Chinese."""

from __future__ import annotations

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # Tables.
    "tensor": "张量",
    "layer": "层",
    "values": "值",
    "cotangent": "伴随量",
    "gradients": "梯度",
    "from, to": "自、至",
    "Jacobian": "雅可比矩阵",
    "largest σ": "最大 σ",
    "smallest σ": "最小 σ",
    "along": "沿",
    "first step": "第一步",
    "middle": "中间",
    "last step": "最后一步",
    # Where the values are from.
    "root mean squares per entry, at {origin}": "每个元素的均方根，取值于：{origin}",
    "; ": "；",
    "{count} rows of the spec's data": "规格所给数据的 {count} 行",
    "{rows}, but {names} drawn, seed {seed}": "{rows}，但 {names} 随机抽取，种子 {seed}",
    "inputs drawn, seed {seed}": "随机抽取的输入，种子 {seed}",
    "{drawn}, {sizes}": "{drawn}，{sizes}",
    "{drawn}, since the spec's data cannot be had: {why}": (
        "{drawn}，因为无法取得规格所给的数据：{why}"
    ),
    "parameters as they start, seed {seed}": "参数的初始值，种子 {seed}",
    "parameters as given": "给定的参数",
    # What is to be noticed.
    "the derivative by {names} is not finite": "对 {names} 的导数不是有限数",
    "the cotangent is 0 at {names}: nothing comes back there": (
        "{names} 的伴随量为 0：没有梯度传到那里"
    ),
    "the gradient by {names} is 0": "对 {names} 的梯度为 0",
    "the Jacobian of {layers} is 0": "{layers} 的雅可比矩阵为 0",
    "from {above} down to {below} the cotangent shrinks {times} times": (
        "从 {above} 往下到 {below}，伴随量缩小为 1/{times}"
    ),
    "from {above} down to {below} the cotangent grows {times} times": (
        "从 {above} 往下到 {below}，伴随量增大到 {times} 倍"
    ),
    "from {above} down to {below} the cotangent shrinks to 0": (
        "从 {above} 往下到 {below}，伴随量减小到 0"
    ),
    "the gradient vanishes: {change}, more than {factor} times from {past} on": (
        "梯度消失：{change}，自 {past} 起已超过 {factor} 倍"
    ),
    "the gradient explodes: {change}, more than {factor} times from {past} on": (
        "梯度爆炸：{change}，自 {past} 起已超过 {factor} 倍"
    ),
    (
        "along {index} the cotangent of {name} shrinks {times} times from step {first} "
        "to step {last}"
    ): "沿 {index}，{name} 的伴随量从第 {first} 步到第 {last} 步缩小为 1/{times}",
    (
        "along {index} the cotangent of {name} grows {times} times from step {first} to step {last}"
    ): "沿 {index}，{name} 的伴随量从第 {first} 步到第 {last} 步增大到 {times} 倍",
    "along {index} the cotangent of {name} shrinks to 0 from step {first} to step {last}": (
        "沿 {index}，{name} 的伴随量从第 {first} 步到第 {last} 步减小到 0"
    ),
    # What was compared.
    "of those compared, no cotangent changes by more than {factor} times": (
        "所比较的伴随量变化都不超过 {factor} 倍"
    ),
    "compared: {path}, which every way to the loss passes": (
        "比较的是：{path}，所有通向损失的路径都经过它们"
    ),
    "compared from step to step: {names}": "逐步比较的是：{names}",
    "compared: nothing; fewer than two tensors lie on every way to the loss": (
        "没有可比较的：所有通向损失的路径共同经过的张量不足两个"
    ),
    "not compared: cotangents from {low} ({least}) to {high} ({most})": (
        "未比较的：从 {low}（{least}）到 {high}（{most}）的伴随量"
    ),
    # The picture.
    "at {origin}": "取值于：{origin}",
    "root mean squares on the way back from {loss}": "从 {loss} 反向传播的均方根",
    "Jacobian of each layer": "各层的雅可比矩阵",
    "cotangents along the steps": "各时间步的伴随量",
    "on every way to the loss": "所有路径经过之处",
    "other cotangents": "其他伴随量",
    "largest singular value": "最大奇异值",
    "smallest": "最小奇异值",
    "0, or below the picture": "为 0 或低于图下沿",
    "cotangents of 0": "为 0 的伴随量",
    "{name} along {index}": "{name}，沿 {index}",
    "step": "时间步",
}
