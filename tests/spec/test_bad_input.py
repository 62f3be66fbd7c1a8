"""Every fault of a spec's text: its exact message, with the place, the line, a caret and a fix."""

import pytest

from symbackprop.spec import SpecError, parse

BASE = """\
name: net
inputs:
  x: [N, 4]
  y: {shape: [N], classes: 3}
network: |
  h = relu(dense(x, 5))
  p = softmax(dense(h, 3))
loss: cross_entropy(p, y)
"""
H = "  h = relu(dense(x, 5))"
IN = "  x: [N, 4]"


def swap(*pairs: tuple[str, str]) -> str:
    """The base with one part written differently."""
    text = BASE
    for part, other in pairs:
        assert part in text
        text = text.replace(part, other)
    return text


CASES = {
    "a call that a comma between braces cuts in two": (
        swap(
            ("network:", "params:\n  w: {shape: [4], init: uniform(0, 1)}\nnetwork:"),
            ("x, 5", "x * w, 5"),
        ),
        "net.yaml:6:25: init cannot be read\n"
        "    w: {shape: [4], init: uniform(0, 1)}\n"
        "                          ^\n"
        "  fix: write zeros, normal(0.1), … or a list; between braces in quotes: "
        '"uniform(-1, 1)"',
    ),
    "a loss that a comma between braces cuts in two": (
        swap(("loss: cross_entropy(p, y)", "losses: {a: {value: cross_entropy(p, y), wrt: [W1]}}")),
        "net.yaml:8:34: '(' is never closed\n"
        "  losses: {a: {value: cross_entropy(p, y), wrt: [W1]}}\n"
        "                                   ^\n"
        "  fix: add the closing bracket",
    ),
    "an unused parameter beside another fault": (
        swap(("network:", "params: {w: {shape: [4]}}\nwrt: [W9]\nnetwork:")),
        "net.yaml:6:7: wrt names 'W9', which is not defined\n"
        "  wrt: [W9]\n"
        "        ^\n"
        "  fix: name something that the spec defines, or a layer's W1, b1, W2, …",
    ),
    "unknown key": (
        swap(("network:", "netwrok:")),
        "net.yaml:5:1: unknown key 'netwrok' in the spec\n"
        "  netwrok: |\n"
        "  ^\n"
        "  fix: did you mean 'network'?",
    ),
    "unknown key of an input": (
        swap(("classes: 3", "classes: 3, sort: labels")),
        "net.yaml:4:31: unknown key 'sort' in input 'y'\n"
        "    y: {shape: [N], classes: 3, sort: labels}\n"
        "                                ^\n"
        "  fix: input 'y' takes shape, classes, kind and draw",
    ),
    "unknown key of a parameter": (
        swap(
            ("network:", "params:\n  w: {shape: [4], inti: zeros}\nnetwork:"), ("x, 5", "x * w, 5")
        ),
        "net.yaml:6:19: unknown key 'inti' in parameter 'w'\n"
        "    w: {shape: [4], inti: zeros}\n"
        "                    ^\n"
        "  fix: did you mean 'init'?",
    ),
    "unknown key of train": (
        BASE + "train: {epoch: 3}\n",
        "net.yaml:9:9: unknown key 'epoch' in train\n"
        "  train: {epoch: 3}\n"
        "          ^\n"
        "  fix: did you mean 'epochs'?",
    ),
    "unknown key of a loss": (
        swap(
            ("loss: cross_entropy(p, y)", 'losses:\n  a: {value: "cross_entropy(p, y)", by: [W1]}')
        ),
        "net.yaml:9:37: unknown key 'by' in loss 'a'\n"
        '    a: {value: "cross_entropy(p, y)", by: [W1]}\n'
        "                                      ^\n"
        "  fix: loss 'a' takes value and wrt",
    ),
    "unknown layer": (
        swap(("dense(x", "dens(x")),
        "net.yaml:6:12: unknown function or layer 'dens'\n"
        "    h = relu(dens(x, 5))\n"
        "             ^\n"
        "  fix: did you mean 'dense'?",
    ),
    "unknown function": (
        swap(("relu", "rleu")),
        "net.yaml:6:7: unknown function or layer 'rleu'\n"
        "    h = rleu(dense(x, 5))\n"
        "        ^\n"
        "  fix: did you mean 'relu'?",
    ),
    "unknown reduction": (
        swap((H, "  h[n] = average[i](x[n, i])")),
        "net.yaml:6:10: unknown reduction 'average'\n"
        "    h[n] = average[i](x[n, i])\n"
        "           ^\n"
        "  fix: reductions are sum, mean, max, min, prod, logsumexp",
    ),
    "unknown name": (
        swap(("dense(h,", "dense(hh,")),
        "net.yaml:7:21: 'hh' is not defined\n"
        "    p = softmax(dense(hh, 3))\n"
        "                      ^\n"
        "  fix: did you mean 'h'?",
    ),
    "unknown name without a near one": (
        swap(("dense(h,", "dense(temperature,")),
        "net.yaml:7:21: 'temperature' is not defined\n"
        "    p = softmax(dense(temperature, 3))\n"
        "                      ^\n"
        "  fix: define it above, or as an input or parameter",
    ),
    "unknown kind": (
        swap(("classes: 3", "kind: label")),
        "net.yaml:4:25: unknown kind 'label'\n"
        "    y: {shape: [N], kind: label}\n"
        "                          ^\n"
        "  fix: did you mean 'labels'?",
    ),
    "unknown init": (
        swap(
            ("network:", "params:\n  w: {shape: [4], init: zeroes}\nnetwork:"), ("x, 5", "x * w, 5")
        ),
        "net.yaml:6:25: unknown init 'zeroes'\n"
        "    w: {shape: [4], init: zeroes}\n"
        "                          ^\n"
        "  fix: did you mean 'zeros'?",
    ),
    "unknown wrt": (
        BASE + "wrt: [W1, W3]\n",
        "net.yaml:9:11: wrt names 'W3', which is not defined\n"
        "  wrt: [W1, W3]\n"
        "            ^\n"
        "  fix: name something that the spec defines, or a layer's W1, b1, W2, …",
    ),
    "unknown output": (
        BASE + "outputs: [P]\n",
        "net.yaml:9:11: outputs names 'P', which is not defined\n"
        "  outputs: [P]\n"
        "            ^\n"
        "  fix: did you mean 'p'?",
    ),
    "too many arguments": (
        swap(("relu(dense(x, 5))", "relu(x, 5)")),
        "net.yaml:6:7: relu takes 1 argument, but 2 are given\n"
        "    h = relu(x, 5)\n"
        "        ^\n"
        "  fix: write relu(x)",
    ),
    "too few arguments": (
        swap(("dense(x, 5)", "dense(x)")),
        "net.yaml:6:12: dense lacks its argument 'units'\n"
        "    h = relu(dense(x))\n"
        "             ^\n"
        "  fix: write dense(x, units, bias=True, axes=1)",
    ),
    "unknown argument": (
        swap(("dense(x, 5)", "dense(x, unit=5)")),
        "net.yaml:6:21: dense has no argument 'unit'\n"
        "    h = relu(dense(x, unit=5))\n"
        "                      ^\n"
        "  fix: did you mean 'units'?",
    ),
    "argument given twice": (
        swap(("dense(x, 5)", "dense(x, 5, units=5)")),
        "net.yaml:6:24: dense gets its argument 'units' twice\n"
        "    h = relu(dense(x, 5, units=5))\n"
        "                         ^\n"
        "  fix: write dense(x, units, bias=True, axes=1)",
    ),
    "argument of the wrong type": (
        swap(("dense(x, 5)", "dense(x, 2.5)")),
        "net.yaml:6:21: units of dense is 2.5, but takes a whole number\n"
        "    h = relu(dense(x, 2.5))\n"
        "                      ^\n"
        "  fix: write dense(x, units, bias=True, axes=1)",
    ),
    "word without quotes": (
        swap(("(p, y)", "(p, y, reduction=sum)")),
        "net.yaml:8:37: reduction of cross_entropy takes a quoted word\n"
        "  loss: cross_entropy(p, y, reduction=sum)\n"
        "                                      ^\n"
        '  fix: write reduction="sum"',
    ),
    "reduction of two": (
        swap((H, "  h[n] = sum[i](x[n, i], 2)")),
        "net.yaml:6:10: sum[…] takes one expression, not 2\n"
        "    h[n] = sum[i](x[n, i], 2)\n"
        "           ^\n"
        "  fix: write sum[i](expression)",
    ),
    "unbound index": (
        swap((H, "  h[n] = x[n, k]")),
        "net.yaml:6:15: index 'k' is bound by nothing\n"
        "    h[n] = x[n, k]\n"
        "                ^\n"
        "  fix: put it on the left side, or under a reduction such as sum[k](…)",
    ),
    "index bound twice": (
        swap((H, "  h[n, i] = sum[i](x[n, i])")),
        "net.yaml:6:17: index 'i' is bound already\n"
        "    h[n, i] = sum[i](x[n, i])\n"
        "                  ^\n"
        "  fix: give each index its own name",
    ),
    "index twice on the left": (
        swap((H, "  h[n, n] = x[n, n]")),
        "net.yaml:6:8: index 'n' stands twice on the left\n"
        "    h[n, n] = x[n, n]\n"
        "         ^\n"
        "  fix: give each index its own name",
    ),
    "index that is a tensor": (
        swap((H, "  h[n, x] = x[n, x]")),
        "net.yaml:6:8: index 'x' is also an input, at line 3, column 3\n"
        "    h[n, x] = x[n, x]\n"
        "         ^\n"
        "  fix: rename the index",
    ),
    "real array as an index": (
        swap((IN, "  x: [N, 4]\n  T: [9, 5]\n  u: [N]"), (H, "  h[n, i] = T[u[n], i]")),
        "net.yaml:8:15: 'u' indexes an axis of 'T' but is a real array\n"
        "    h[n, i] = T[u[n], i]\n"
        "                ^\n"
        "  fix: give it classes, u: {shape: [N], classes: …}",
    ),
    "tensor without its indices as an index": (
        swap((H, "  h[n] = x[n, y]")),
        "net.yaml:6:15: 'y' is an input, no index\n"
        "    h[n] = x[n, y]\n"
        "                ^\n"
        "  fix: write its own indices: y[…]",
    ),
    "defined twice": (
        swap(("  p = softmax(dense(h, 3))", "  h = relu(h)\n  p = softmax(dense(h, 3))")),
        "net.yaml:7:3: 'h' is defined twice: a tensor here, a tensor at line 6, column 3\n"
        "    h = relu(h)\n"
        "    ^\n"
        "  fix: rename one of them",
    ),
    "input and parameter of one name": (
        swap(("network:", "params: {x: [3]}\nnetwork:")),
        "net.yaml:5:10: 'x' is defined twice: a parameter here, an input at line 3, column 3\n"
        "  params: {x: [3]}\n"
        "           ^\n"
        "  fix: rename one of them",
    ),
    "used before": (
        swap((H, "  q = relu(h)\n" + H)),
        "net.yaml:6:12: 'h' is used before it is defined, at line 7, column 3\n"
        "    q = relu(h)\n"
        "             ^\n"
        "  fix: define it above, or rename it",
    ),
    "used in its own definition": (
        swap((H, "  h = relu(h)")),
        "net.yaml:6:12: 'h' is used in its own definition\n"
        "    h = relu(h)\n"
        "             ^\n"
        "  fix: rename what is defined here",
    ),
    "function as a value": (
        swap(("dense(x, 5)", "dense(tanh, 5)")),
        "net.yaml:6:18: 'tanh' is a function, not a value\n"
        "    h = relu(dense(tanh, 5))\n"
        "                   ^\n"
        "  fix: call it: tanh(x)",
    ),
    "name of a function": (
        swap((IN, IN + "\n  relu: [N]")),
        "net.yaml:4:3: 'relu' is the name of a function\n"
        "    relu: [N]\n"
        "    ^\n"
        "  fix: rename this input",
    ),
    "parameter nothing reads": (
        swap(("network:", "params: {w: [4]}\nnetwork:")),
        "net.yaml:5:10: parameter 'w' is read by no statement and no loss\n"
        "  params: {w: [4]}\n"
        "           ^\n"
        "  fix: delete it, or use it",
    ),
    "labels without classes": (
        swap(("classes: 3", "kind: labels")),
        "net.yaml:4:25: labels 'y' without classes\n"
        "    y: {shape: [N], kind: labels}\n"
        "                          ^\n"
        "  fix: say how many classes there are: classes: 10",
    ),
    "classes of a mask": (
        swap(("classes: 3", "classes: 3, kind: mask")),
        "net.yaml:4:37: input 'y' has classes, but its kind is mask\n"
        "    y: {shape: [N], classes: 3, kind: mask}\n"
        "                                      ^\n"
        "  fix: only labels have classes; delete one of the two",
    ),
    "no shape": (
        swap(("shape: [N], ", "")),
        "net.yaml:4:6: input 'y' has no shape\n"
        "    y: {classes: 3}\n"
        "       ^\n"
        "  fix: add shape: [N, 3]",
    ),
    "shape that is no list": (
        swap((IN, "  x: N")),
        "net.yaml:3:6: the shape of input 'x' is a list of extents, not 'N'\n"
        "    x: N\n"
        "       ^\n"
        "  fix: write [N]",
    ),
    "extent of nothing": (
        swap((IN, "  x: [N, 0]")),
        "net.yaml:3:10: an extent of the shape of input 'x' is '0'\n"
        "    x: [N, 0]\n"
        "           ^\n"
        "  fix: write a whole number from 1",
    ),
    "dims that are no numbers": (
        "dims: {N: many}\n" + BASE,
        "net.yaml:1:11: extent 'N' is 'many'\n"
        "  dims: {N: many}\n"
        "            ^\n"
        "  fix: write a whole number from 1",
    ),
    "constant that is no number": (
        "constants: {rate: fast}\n" + BASE,
        "net.yaml:1:19: constant 'rate' is 'fast', not a number\n"
        "  constants: {rate: fast}\n"
        "                    ^\n"
        "  fix: write a number, as in 3, 0.5 or 1e-4",
    ),
    "text for trainable": (
        swap(
            ("network:", "params:\n  w: {shape: [4], trainable: no}\nnetwork:"),
            ("x, 5", "x * w, 5"),
        ),
        "net.yaml:6:30: trainable is 'no'\n"
        "    w: {shape: [4], trainable: no}\n"
        "                               ^\n"
        "  fix: write true or false",
    ),
    "init of another shape": (
        swap(
            ("network:", "params:\n  w: {shape: [4], init: [1, 2, 3]}\nnetwork:"),
            ("x, 5", "x * w, 5"),
        ),
        "net.yaml:6:25: init has a list of 3, but the extent is 4\n"
        "    w: {shape: [4], init: [1, 2, 3]}\n"
        "                          ^\n"
        "  fix: give init the lengths of the shape, all of them numbers",
    ),
    "init without its numbers": (
        swap(
            ("network:", "params:\n  w: {shape: [4], init: uniform(1)}\nnetwork:"),
            ("x, 5", "x * w, 5"),
        ),
        "net.yaml:6:25: uniform takes 2 numbers, not 1\n"
        "    w: {shape: [4], init: uniform(1)}\n"
        "                          ^\n"
        "  fix: write uniform(-0.1, 0.1)",
    ),
    "data for nothing": (
        BASE + "train: {data: {X: [[1, 2, 3, 4]], y: [0]}}\n",
        "net.yaml:9:16: data for 'X', which is no input\n"
        "  train: {data: {X: [[1, 2, 3, 4]], y: [0]}}\n"
        "                 ^\n"
        "  fix: did you mean 'x'?",
    ),
    "two of loss and losses": (
        BASE + 'losses: {a: "mean(x)"}\n',
        "net.yaml:9:1: both 'loss' and 'losses'\n"
        '  losses: {a: "mean(x)"}\n'
        "  ^\n"
        "  fix: keep one of the two",
    ),
    "no loss": (
        swap(("loss: cross_entropy(p, y)\n", "")),
        "net.yaml: the spec has no 'loss'\n"
        "  fix: add the scalar to minimise, such as 'loss: mse(p, y)'",
    ),
    "no inputs": (
        "name: net\nloss: 1\n",
        "net.yaml: the spec has no 'inputs'\n"
        "  fix: declare what the network reads: inputs: {x: [N, 3]}",
    ),
    "wrt labels": (
        BASE + "wrt: [y]\n",
        "net.yaml:9:7: wrt names 'y', whose entries are labels\n"
        "  wrt: [y]\n"
        "        ^\n"
        "  fix: name parameters, or inputs of real numbers",
    ),
    "keyword as the name": (
        swap(("name: net", "name: class")),
        "net.yaml:1:7: 'class' is a keyword of Python\n"
        "  name: class\n"
        "        ^\n"
        "  fix: rename it, to class_1 say",
    ),
    "keyword as an input": (
        swap((IN, IN + "\n  lambda: [N]")),
        "net.yaml:4:3: 'lambda' is a keyword of Python\n"
        "    lambda: [N]\n"
        "    ^\n"
        "  fix: rename it, to lambda_1 say",
    ),
    "keyword as a target": (
        swap((H, "  lambda = relu(x)\n" + H)),
        "net.yaml:6:3: 'lambda' is a keyword of Python\n"
        "    lambda = relu(x)\n"
        "    ^\n"
        "  fix: rename it",
    ),
    "code as the name": (
        swap(("name: net", "name: __import__('os').system('true')")),
        "net.yaml:1:7: '__import__('os').system('true')' is no name\n"
        "  name: __import__('os').system('true')\n"
        "        ^\n"
        "  fix: start with a letter; use ASCII letters, digits and _ only",
    ),
    "code as an input": (
        swap((IN, IN + '\n  "x); import os #": [N]')),
        "net.yaml:4:3: 'x); import os #' is no name\n"
        '    "x); import os #": [N]\n'
        "    ^\n"
        "  fix: start with a letter; use ASCII letters, digits and _ only",
    ),
    "code in the network": (
        swap((H, "  h = __import__('os').system('true')")),
        "net.yaml:6:7: '.system' is no operation\n"
        "    h = __import__('os').system('true')\n"
        "        ^\n"
        "  fix: functions are called by name alone: system(...)",
    ),
    "code as a statement": (
        swap((H, "  import os\n" + H)),
        "net.yaml:6:3: 'import' starts no statement of a spec\n"
        "    import os\n"
        "    ^\n"
        "  fix: write 'name = expression' or 'name[i, j] = expression'",
    ),
    "name of a module": (
        swap(("name: net", "name: random")),
        "net.yaml:1:7: a module 'random' would hide Python's own\n"
        "  name: random\n"
        "        ^\n"
        "  fix: rename the spec, to random_net say",
    ),
    "name of the module's own": (
        swap((IN, IN + "\n  params: [N]")),
        "net.yaml:4:3: 'params' is a name of the generated module's own\n"
        "    params: [N]\n"
        "    ^\n"
        "  fix: rename this input",
    ),
    "an extent that is a name of the module's own": (
        swap((IN, "  x: [work, 4]")),
        "net.yaml:3:7: 'work' is a name of the generated module's own\n"
        "    x: [work, 4]\n"
        "        ^\n"
        "  fix: rename this extent",
    ),
    "a loss that is a name of the module's own": (
        swap(("loss: cross_entropy(p, y)", "losses: {ValueError: {value: 'cross_entropy(p, y)'}}")),
        "net.yaml:8:10: 'ValueError' is a name of the generated module's own\n"
        "  losses: {ValueError: {value: 'cross_entropy(p, y)'}}\n"
        "           ^\n"
        "  fix: rename this loss",
    ),
    "YAML syntax": (
        swap(("classes: 3}", "classes: 3")),
        "net.yaml:4:6: not YAML: a mapping that does not end\n"
        "    y: {shape: [N], classes: 3\n"
        "       ^\n"
        "  fix: check its commas and its '}'",
    ),
    "YAML indentation": (
        swap((IN, "    x: [N, 4]")),
        "net.yaml:4:3: not YAML: a line that does not fit those above it\n"
        "    y: {shape: [N], classes: 3}\n"
        "    ^\n"
        "  fix: indent the entries of one block alike, each 'key: value' or '- item'",
    ),
    "YAML tab": (
        swap((IN, "\tx: [N, 4]")),
        "net.yaml:3:1: not YAML: a tab at the start of a value\n"
        "   x: [N, 4]\n"
        "  ^\n"
        "  fix: indent with spaces",
    ),
    "YAML key without colon": (
        "name: net\ninputs\n",
        "net.yaml:2:1: not YAML: a key without its ':'\n  inputs\n  ^\n  fix: write 'key: value'",
    ),
    "duplicate keys": (
        BASE + "loss: mean(p)\n",
        "net.yaml:9:1: key 'loss' stands twice, first at line 8, column 1\n"
        "  loss: mean(p)\n"
        "  ^\n"
        "  fix: keep one of them",
    ),
    "duplicate inputs": (
        swap((IN, IN + "\n  x: [N]")),
        "net.yaml:4:3: key 'x' stands twice, first at line 3, column 3\n"
        "    x: [N]\n"
        "    ^\n"
        "  fix: keep one of them",
    ),
    "alias": (
        swap((IN, "  x: &shape [N, 4]\n  z: *shape")),
        "net.yaml:3:6: anchor '&shape': a spec repeats nothing by reference\n"
        "    x: &shape [N, 4]\n"
        "       ^\n"
        "  fix: delete the anchor",
    ),
    "only an alias": (
        swap((IN, "  x: *shape")),
        "net.yaml:3:6: alias '*shape': a spec repeats nothing by reference\n"
        "    x: *shape\n"
        "       ^\n"
        "  fix: write the value out",
    ),
    "tag": (
        swap(("name: net", "name: !!python/name:os.system net")),
        "net.yaml:1:7: tag 'tag:yaml.org,2002:python/name:os.system': a spec is plain data\n"
        "  name: !!python/name:os.system net\n"
        "        ^\n"
        "  fix: delete the tag",
    ),
    "two documents": (
        BASE + "---\n" + BASE,
        "net.yaml:9:1: a second document starts here; a spec is one\n"
        "  ---\n"
        "  ^\n"
        "  fix: delete the '---' line, or use two files",
    ),
    "empty": (
        "",
        "net.yaml: the spec is empty\n  fix: write its keys: name, inputs, network, loss",
    ),
    "only comments": (
        "# nothing\n",
        "net.yaml: the spec is empty\n  fix: write its keys: name, inputs, network, loss",
    ),
    "a list": (
        "- name\n",
        "net.yaml:1:1: a spec is a mapping of keys to values, not a list\n"
        "  - name\n"
        "  ^\n"
        "  fix: write 'key: value' lines, from 'name: ...' on",
    ),
    "control character": (
        swap(("name: net", "name: n\x1bet")),
        "net.yaml:1:8: control character U+001B\n  name: n�et\n         ^\n  fix: delete it",
    ),
    "brackets 5,000 deep in YAML": (
        "inputs: " + "[" * 5000 + "]" * 5000 + "\n",
        "net.yaml:1:9: values are nested 5,000 deep; the limit is 100\n"
        f"  inputs: {'[' * 92}\n"
        "          ^\n"
        "  fix: a spec needs no such nesting; look for stray brackets",
    ),
    "brackets 5,000 deep in the network": (
        swap((H, "  h = " + "(" * 5000 + "x" + ")" * 5000)),
        "net.yaml:6:107: brackets are nested 5,000 deep; the limit is 100\n"
        f"  {'(' * 100}\n"
        "                                                                    ^\n"
        "  fix: name the inner parts first",
    ),
    "signs 5,000 deep": (
        swap((H, "  h = " + "-" * 5000 + "x")),
        "net.yaml:6:3: operations are nested more than 200 deep\n"
        f"    h = {'-' * 94}\n"
        "    ^\n"
        "  fix: split it into several statements",
    ),
    "power out of range": (
        swap((H, "  h = x * 9**9**9")),
        "net.yaml:6:12: this power is out of range\n"
        "    h = x * 9**9**9\n"
        "             ^\n"
        "  fix: write its value, below 1e308",
    ),
    "number out of range": (
        swap((H, "  h = x * 1e999")),
        "net.yaml:6:11: '1e999' is out of range\n"
        "    h = x * 1e999\n"
        "            ^\n"
        "  fix: numbers lie between 1e-308 and 1.8e308",
    ),
    "number below all floats": (
        swap((H, "  h = x * 1e-310")),
        "net.yaml:6:11: '1e-310' is out of range\n"
        "    h = x * 1e-310\n"
        "            ^\n"
        "  fix: numbers lie between 1e-308 and 1.8e308",
    ),
    "bracket not closed": (
        swap((H, "  h = relu(dense(x, 5)")),
        "net.yaml:6:11: '(' is never closed\n"
        "    h = relu(dense(x, 5)\n"
        "            ^\n"
        "  fix: add the closing bracket",
    ),
    "bracket closed twice": (
        swap((H, "  h = relu(dense(x, 5)))")),
        "net.yaml:6:24: ')' closes nothing\n"
        "    h = relu(dense(x, 5)))\n"
        "                         ^\n"
        "  fix: make the brackets pair up",
    ),
    "brackets that do not match": (
        swap((H, "  h = relu(dense[x, 5))")),
        "net.yaml:6:22: ')' closes the '[' at line 6, column 17\n"
        "    h = relu(dense[x, 5))\n"
        "                       ^\n"
        "  fix: make the brackets pair up",
    ),
    "missing operator": (
        swap((H, "  h = 2 relu(x)")),
        "net.yaml:6:9: cannot be read from 'relu' on\n"
        "    h = 2 relu(x)\n"
        "          ^\n"
        "  fix: look for a missing operator, comma or name before it",
    ),
    "nothing on the right": (
        swap((H, "  h =")),
        "net.yaml:6:5: the line ends too early\n    h =\n      ^\n  fix: complete it",
    ),
    "typographic minus": (
        swap((H, "  h = x − 1")),
        "net.yaml:6:9: character '−'\n    h = x − 1\n          ^\n  fix: write '-'",
    ),
    "letter outside ASCII": (
        swap((H, "  größe = x\n" + H)),
        "net.yaml:6:5: character 'ö' is not part of the language\n"
        "    größe = x\n"
        "      ^\n"
        "  fix: names are made of ASCII letters, digits and _",
    ),
    "attribute": (
        swap((H, "  h = x.shape")),
        "net.yaml:6:7: '.shape' is no operation\n"
        "    h = x.shape\n"
        "        ^\n"
        "  fix: only .T, the transpose, follows a dot",
    ),
    "method": (
        swap((H, "  h = x.sum()")),
        "net.yaml:6:7: '.sum' is no operation\n"
        "    h = x.sum()\n"
        "        ^\n"
        "  fix: functions are called by name alone: sum(...)",
    ),
    "slice": (
        swap((H, "  h = x[:, 0]")),
        "net.yaml:6:9: ':' takes no slice\n"
        "    h = x[:, 0]\n"
        "          ^\n"
        "  fix: write an index statement: y[n] = x[n, 0]",
    ),
    "conditional": (
        swap((H, "  h = x if x > 0 else 0")),
        "net.yaml:6:7: 'if … else' chooses no entries\n"
        "    h = x if x > 0 else 0\n"
        "        ^\n"
        "  fix: write where(condition, a, b)",
    ),
    "and": (
        swap((H, "  h = where(x > 0 and x < 1, x, 0)")),
        "net.yaml:6:13: 'and' and 'or' combine no masks\n"
        "    h = where(x > 0 and x < 1, x, 0)\n"
        "              ^\n"
        "  fix: use & and |, with comparisons in brackets",
    ),
    "caret for power": (
        swap((H, "  h = x ^ 2")),
        "net.yaml:6:9: '^' is no operation of a spec\n"
        "    h = x ^ 2\n"
        "          ^\n"
        "  fix: a power is written **",
    ),
    "rest": (
        swap((H, "  h[..., i] = x[..., i]")),
        "net.yaml:6:5: '...' is no index\n"
        "    h[..., i] = x[..., i]\n"
        "      ^\n"
        "  fix: name every axis",
    ),
    "two on a line": (
        swap((H, "  h = x; q = x")),
        "net.yaml:6:8: ';' separates no statements\n"
        "    h = x; q = x\n"
        "         ^\n"
        "  fix: write one statement a line",
    ),
    "expression alone": (
        swap((H, "  relu(x)\n" + H)),
        "net.yaml:6:3: an expression that gives nothing a name\n"
        "    relu(x)\n"
        "    ^\n"
        "  fix: write 'name = expression' or 'name[i, j] = expression'",
    ),
    "augmented": (
        swap((H, H + "\n  h += 1")),
        "net.yaml:7:3: a name is defined once\n    h += 1\n    ^\n  fix: use a new name and '='",
    ),
    "folded network": (
        swap(("network: |", "network: >")),
        "net.yaml:5:10: network is a text whose line breaks YAML removes\n"
        "  network: >\n"
        "           ^\n"
        "  fix: write 'network: |' and a statement a line",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_message_is_exactly_this(name):
    text, message = CASES[name]
    with pytest.raises(SpecError) as raised:
        parse(text, "net.yaml")
    assert str(raised.value) == message


def test_the_base_itself_is_right():
    assert parse(BASE).name == "net"


def test_all_faults_come_at_once_in_the_order_of_the_file():
    text = swap(("name: net", "name: class"), ("relu", "rleu"), ("p, y", "q, y"))
    with pytest.raises(SpecError) as raised:
        parse(text)
    assert [fault.message for fault in raised.value.faults] == [
        "'class' is a keyword of Python",
        "unknown function or layer 'rleu'",
        "'q' is not defined",
    ]


def test_a_statement_at_fault_causes_no_second_message():
    text = swap((H, "  h = relu(dense(x, 5)"), ("  p = softmax(dense(h, 3))", "  p = h +"))
    with pytest.raises(SpecError) as raised:
        parse(text)
    assert [fault.message for fault in raised.value.faults] == [
        "'(' is never closed",
        "the line ends too early",
    ]


def test_a_report_ends_after_twenty_faults():
    text = swap((H, H + "".join(f"\n  a{k} = b{k}c" for k in range(5000))))
    with pytest.raises(SpecError) as raised:
        parse(text, "net.yaml")
    assert str(raised.value).count("fix:") == 20
    assert str(raised.value).endswith("\nnet.yaml: only the first 20 faults are shown")


def test_a_message_repeats_no_endless_name_and_no_control_character():
    text = swap(("name: net", "name: " + "é" * 5000))
    with pytest.raises(SpecError) as raised:
        parse(text)
    assert len(str(raised.value)) < 400


def test_a_statement_whose_derivative_would_be_too_long():
    nested = "abs(x - " * 60 + "x" + ")" * 60
    text = f"name: net\ninputs: {{x: [3]}}\nnetwork: |\n  h = {nested}\nloss: sum(h)\nwrt: [x]\n"
    with pytest.raises(SpecError) as caught:
        parse(text, "net.yaml")
    assert str(caught.value).startswith(
        "net.yaml:4:3: about 228,810 terms in its derivative; the limit is 50,000\n"
    )
    assert str(caught.value).endswith("\n  fix: split it into several statements")
