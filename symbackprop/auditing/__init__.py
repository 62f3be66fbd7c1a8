"""A stranger's hand-written gradients, run within bounds and held against the derived ones.

Here:

| room | does |
|---|---|
| `target` | reads the file, finds the function |
| `points` | random instances of the network, and what is right at them |
| `bounded`, `calling`, `judged` | the child, what it is asked, in which layout |
| `compare` | which gradients agree |
| `world`, `hypotheses`, `rewritings`, `factors`, `others` | what may be wrong in a line |
| `search`, `scaled`, `explain` | the fewest mistakes that give the same values |
| `shapes`, `edits`, `places`, `mending` | the stranger's line, and the corrected one |
| `audit`, `diagnosis`, `model`, `printed` | the findings, and how they read |

In the child, which imports NumPy and nothing else:

| room | does |
|---|---|
| `child`, `guard`, `watching`, `raised` | loads the file, calls the function at each point |
| `names`, `source`, `holders`, `layouts` | what names, containers and shapes mean |
| `arguments`, `standing`, `binding` | what the function is called with |
| `leaves`, `returned` | gradients from what comes back |
| `repairs` | single edits of the source |
"""
