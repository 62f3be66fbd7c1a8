"""The child process, which imports NumPy and no other package: a stranger's file runs in here.

| room | does |
|---|---|
| `running`, `guard`, `watching`, `raised` | loads the file, calls the function at each point |
| `names`, `source`, `holders`, `layouts` | what names, containers and shapes mean |
| `arguments`, `standing`, `binding` | what the function is called with |
| `leaves`, `returned` | gradients from what comes back |
"""
