"""Chinese: each phrase as a textbook writes it. A cotangent is 伴随量 throughout."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.report.languages import inspections

PHRASES: Mapping[str, str] = {
    **inspections.CHINESE,
    # Headings, and words in tables and lists.
    "Notation": "记号",
    "Forward": "前向传播",
    "Loss": "损失",
    "Backward": "反向传播",
    "Backward from {loss}": "从 {loss} 反向传播",
    "In use: {title}": "推断时：{title}",
    "Every step": "逐步推导",
    "Rules": "规则",
    "Results": "结果",
    "Worked example": "数值算例",
    "Given": "已知",
    "States become": "状态变为",
    "Update, {rate}": "参数更新，{rate}",
    "Update by {loss}, {rate}": "按 {loss} 更新参数，{rate}",
    "name (of a column)": "名称",
    "shape": "形状",
    "what it is": "含义",
    "input": "输入",
    "labels": "标签",
    "mask": "掩码",
    "distribution": "概率分布",
    "{kind}, drawn": "{kind}，随机抽取",
    "parameter": "参数",
    "fixed parameter": "固定参数",
    "state": "状态",
    "value": "中间值",
    "row": "行",
    "column": "列",
    "rows": "行",
    "columns": "列",
    ", ": "、",
    ": ": "：",
    ",": "，",
    ".": "。",
    " and ": "，",
    "undefined": "无定义",
    # About equations.
    "if": "若",
    "otherwise": "其他",
    "{then} if {mask} else {other}": "若 {mask} 则 {then}，否则 {other}",
    "for {steps}:": "对 {steps}：",
    "for {steps}, with {ends}:": "对 {steps}，其中 {ends}：",
    "When all steps are done:": "所有时间步都算完之后：",
    "gradient of {name}": "{name} 的梯度",
    "gradient of {name}, as (rows, values)": "{name} 的梯度，以（行号，值）给出",
    "gradient by {name}": "对 {name} 的梯度",
    "gradient by {name}, as (rows, values)": "对 {name} 的梯度，以（行号，值）给出",
    "as (rows, values)": "以（行号，值）给出",
    "Cotangent of {symbol} ({name})": "{symbol} 的伴随量（{name}）",
    "Gradient by {symbol} ({name})": "对 {symbol} 的梯度（{name}）",
    "Gradient by {symbol} ({name}, as (rows, values))": (
        "对 {symbol} 的梯度（{name}，以行号和值给出）"
    ),
    "Value of {symbol} ({name})": "{symbol} 的值（{name}）",
    "{title}, equation~{number}: as {like}": "{title}，式~{number}：推导同式~{like}",
    "{formula}: equation {number}": "{formula}：式 {number}",
    "{formula} by equation {number}": "由式 {number} 得 {formula}",
    "{formula} by {number}": "由式 {number} 得 {formula}",
    "entry by entry": "写成分量",
    "{count} more": "另有 {count}",
    # Names and reasons of rules.
    "chain rule": "链式法则",
    "every way on which the loss depends on it": "对损失依赖于它的每一条路径求和",
    "collapse δ": "消去 δ",
    "gather by range": "按范围合并",
    "one divisor": "通分",
    "{a}, {b}": "{a}，{b}",
    "forward value": "代入前向值",
    "computed on the way forward": "前向传播时已经算出",
    "computed already": "已经算出",
    "forward power": "前向值的幂",
    "{a} where {b}": "{a}，其中 {b}",
    "forward sum": "前向值的和",
    "{a} where {b} is its mean": "{a}，其中 {b} 是均值",
    "forward product": "前向值的积",
    "mirror": "对称性",
    "on its support": "限于支集",
    "{a} where {b} is 0 outside of {c}": "{a}，其中 {b} 在 {c} 之外为 0",
    "rows sum to 1": "行和为 1",
    "each row is a distribution": "每一行都是概率分布",
    "merge like terms": "合并同类项",
    "factor": "提取公因子",
    "what all terms share": "提出各项共有的因子",
    "solve for the index": "解出下标",
    "one term for each index that reaches this place": "每个到达此位置的下标贡献一项",
    "recognise": "识别",
    "in terms of logsumexp": "用 logsumexp 表示",
    "in terms of sigmoid": "用 sigmoid 表示",
    "in terms of softplus": "用 softplus 表示",
    "in terms of logsumexp and sigmoid": "用 logsumexp 和 sigmoid 表示",
    "in terms of logsumexp and softplus": "用 logsumexp 和 softplus 表示",
    "in terms of sigmoid and softplus": "用 sigmoid 和 softplus 表示",
    "in terms of logsumexp and sigmoid and softplus": "用 logsumexp、sigmoid 和 softplus 表示",
    "log and exp cancel": "log 与 exp 相消",
    "compose": "复合",
    "written in the tensors that its parts are made of": "用各部分所依赖的张量写出",
    "name": "命名",
    "the exponent has a name": "给指数部分命名",
    "what is reduced and then read beside it has a name": "给归约后又与原张量一同使用的量命名",
    # Notation and conventions.
    (
        "Scalars are plain, vectors bold and lower-case, matrices "
        "bold and upper-case; vectors are columns."
    ): "标量用普通字体，向量用小写粗体，矩阵用大写粗体；向量均为列向量。",
    "{entry} is an entry of {z}.": "{entry} 是 {z} 的元素。",
    "A number above a name is its layer, not a power.": ("名称右上角的数字表示所在的层，不是幂。"),
    "A number in brackets above a name is its layer.": "名称右上角括号中的数字表示所在的层。",
    "A number below a name is its layer.": "名称右下角的数字表示所在的层。",
    "A number in brackets above a name is its own in the spec, not a layer.": (
        "名称右上角括号中的数字是规格中的编号，不表示层。"
    ),
    "A number without brackets above a name is its own in the spec, not a power.": (
        "名称右上角不带括号的数字是规格中的编号，不是幂。"
    ),
    "{cotangent} is the cotangent of {z}, the derivative of the loss by it.": (
        "{cotangent} 是 {z} 的伴随量，即损失对 {z} 的导数。"
    ),
    "{gradient} is the array of all {slope}, of the shape of {w}.": (
        "{gradient} 是由全部 {slope} 组成的数组，形状与 {w} 相同。"
    ),
    (
        "{times} and {over} multiply and divide entry by entry, functions apply entry by "
        "entry,\n"
        "{ones} is a vector of ones, {where} is {one} where the condition holds and "
        "{zero}\n"
        "elsewhere, and {delta}."
    ): (
        "{times} 和 {over} 表示逐元素相乘和相除，函数逐元素作用，{ones} 是全一向量，"
        "{where} 在条件成立时为 {one}，否则为 {zero}，并且 {delta}。"
    ),
    (
        "{times} and {over} multiply and divide entry by entry, functions apply entry by "
        "entry,\n"
        "{ones} is a vector of ones, {where} is {one} where the condition holds and "
        "{zero}\n"
        "elsewhere, and {delta} is {mask}."
    ): (
        "{times} 和 {over} 表示逐元素相乘和相除，函数逐元素作用，{ones} 是全一向量，"
        "{where} 在条件成立时为 {one}，否则为 {zero}；{delta} 表示 {mask}。"
    ),
    "{matrix} is the one-hot matrix of {labels}.": "{matrix} 是 {labels} 的独热矩阵。",
    (
        "{matrix} is the one-hot matrix of {labels}: {line} {n} is {one} in the {place} "
        "that entry {n} of {labels} names, and {zero} elsewhere."
    ): (
        "{matrix} 是 {labels} 的独热矩阵：第 {n} {line}在 {labels} 的第 {n} "
        "个元素所指的{place}上为 {one}，其余为 {zero}。"
    ),
    (
        "A name with fewer indices than axes, as {slices}, is the array of its entries "
        "there, one for each\n"
        "value of the indices; where it matters which axes they belong to, colons stand "
        "for the others."
    ): (
        "下标少于轴数的名称，例如 {slices}，表示取定这些下标后由相应元素组成的数组，"
        "下标的每个取值对应一个；需要区分下标属于哪些轴时，其余的轴用冒号表示。"
    ),
    "softmax and logsumexp go along the {along} of a matrix.": (
        "softmax 和 logsumexp 沿矩阵的{along}计算。"
    ),
    (
        "Every array is written with its axes in the opposite order of those that the "
        "code has: the samples of a batch are the columns of a matrix."
    ): "每个数组的轴序都与代码中相反：一批样本是矩阵的各列。",
    "relu and abs have derivative 0 at 0.": "relu 和 abs 在 0 处的导数取 0。",
    "max and min pass the derivative to the first place that attains them.": (
        "max 和 min 把导数传给第一个取到最值的位置。"
    ),
    "A sum with a condition below it runs over the indices that satisfy it.": (
        "求和号下写有条件时，对满足该条件的下标求和。"
    ),
    "The exponential of a masked score counts as 0.": "被掩码遮住的得分，其指数按 0 计。",
    "Drawn anew at every call, where it is not given: {draws}.": (
        "未给定时，每次调用都重新抽取：{draws}。"
    ),
    "{draw}, where it is not given": "{draw}，未给定时如此抽取",
    "A step of training also changes states:": "训练的每一步还会改变状态：",
    "after a step of training {update}, by ({number})": ("训练一步之后 {update}，见式 ({number})"),
    "Fixed only when the program runs: {extents}.": "运行程序时才确定：{extents}。",
    "A star stands for each of the words beside it in turn.": "星号依次代表旁边所列的各个词。",
    # Documents.
    "Backpropagation for {name}, derived step by step": "{name} 的反向传播逐步推导",
    (
        "Arrows run from what is read to what reads it, dashed ones to its next step. In "
        "brackets stand the\n"
        "equation of a value, and that of its cotangent."
    ): (
        "箭头从被读取的量指向读取它的量，"
        "虚线箭头指向下一个时间步。"
        "括号中是该值的式号及其伴随量的式号。"
    ),
    "Several equations of one cotangent belong to a loss each, in the order {losses}.": (
        "一个伴随量有多个式号时，它们依次属于 {losses}。"
    ),
    (
        "What stands above is derived here, one rule at a time; the rules are listed at the end."
    ): "以下逐条运用规则，推导上面的各式；所用规则列于文末。",
    "What is derived as an earlier equation was, but for the names, refers to that.": (
        "推导过程除名称外与前面某式相同的，只注明该式。"
    ),
    (
        "% Backpropagation for {name}, to take in by \\input. It needs "
        "\\usepackage{{amsmath}}.\n"
        "% Your document numbers the equations. \\eqref{{{prefix}:1}} and so on refer to "
        "them; the number in a\n"
        "% label is the one that the code generated from this derivation names. What is "
        "read once, entry by\n"
        "% entry, stands where it is read, and has no label; of equations that a star joins, or "
        "that are the\n"
        "% same for other numbers, the first has one. Lines fit in a width of 37 em."
    ): (
        "% {name} 的反向传播，用 \\input 引入。需要 \\usepackage{{amsmath}}；汉字需要 "
        "ctex，或者\n"
        "% \\usepackage{{CJKutf8,CJKspace}} 并放在 \\begin{{CJK*}}{{UTF8}}{{gbsn}} 与 "
        "\\end{{CJK*}} 之间。\n"
        "% 式号由引入它的文档编排，用 \\eqref{{{prefix}:1}} 等引用；"
        "标签中的数字就是由此推导生成的代码所注的式号。\n"
        "% 只被读取一次、且逐元素读取的量写在读取之处，没有标签；"
        "用星号合写的各式，以及对其他编号同样成立的各式，\n"
        "% 只有第一个有标签。各行宽度不超过 37 em。"
    ),
    # Worked numbers.
    "Drawn with seed {seed}: {names}.": "以种子 {seed} 随机抽取：{names}。",
    "Values are exact; printed with {digits} digits, or fewer where these are all.": (
        "计算是精确的；印出 {digits} 位有效数字，不足时全部印出。"
    ),
    (
        "At {equations} values stand alone: with numbers put in, the formula would be too long "
        "to read, or has no such form."
    ): "式 {equations} 只给出数值：代入后过长，或没有相应的写法。",
    "{name} was {before}, and is {now} with the new parameters.": (
        "{name} 原为 {before}，用新参数计算则为 {now}。"
    ),
    # The page.
    "Graph": "计算图",
    "Names": "名称",
    "Numbers": "数值",
    "Step": "更新",
    "Code": "代码",
    "computation graph": "计算图",
    "generated code": "生成的代码",
    "all steps": "全部步骤",
    "Unfold the steps of every equation": "展开每个式子的推导步骤",
    "light or dark": "浅色或深色",
    "Light or dark": "浅色或深色",
    "copy LaTeX": "复制 LaTeX",
    "copied": "已复制",
    "not allowed": "不允许复制",
    "the gradient by {name}": "对 {name} 的梯度",
    "the same, {count} times more": "相同结构再重复 {count} 次",
    "Names and shapes": "名称与形状",
    "What repeats is named alike, by the rule below its equations.": (
        "重复部分的名称依此类推，规则见其式子下方。"
    ),
    "The numbers": "数值",
    "back through {equations}": "反向经过 {equations}",
    "Step by step as {like}": "推导步骤同 {like}",
    ", with": "，其中作替换",
    "The same for {counting}, of": "同样的式子对 {counting} 也成立，其中的名称为",
    "equations ({first}) to ({last})": "式 ({first}) 至 ({last})",
    "A step of training": "一步训练",
    "with the rate η, for every parameter:": "学习率为 η，对每个参数：",
    "In numbers, with {rate}:": "代入数值，取 {rate}：",
    "In numbers, by {loss}, with {rate}:": "代入数值，按 {loss} 更新，取 {rate}：",
    "A step also changes states:": "每一步还会改变状态：",
    "Written by {program} from the spec {name}.": "由 {program} 根据规格 {name} 生成。",
}
