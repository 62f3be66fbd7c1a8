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
| `child` | the process that runs the file: what its names and values mean |
| `repairs` | single edits of the source that may mend it |
"""
