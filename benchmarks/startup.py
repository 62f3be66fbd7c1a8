"""From the shell, start to end: `python benchmarks/startup.py`.

Prints the median seconds of five runs of each, beside Python's own start and SymPy's import.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import sympy": ["-c", "import sympy"],
    "symbackprop --help": ["-m", "symbackprop", "--help"],
    "symbackprop derive keras_mlp": ["-m", "symbackprop", "derive", "keras_mlp"],
    "symbackprop generate keras_mlp": [
        "-m",
        "symbackprop",
        "generate",
        "keras_mlp",
        "-o",
        tempfile.gettempdir(),
    ],
}


def main() -> None:
    for name, arguments in COMMANDS.items():
        times = []
        for _ in range(6):
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        print(f"{statistics.median(times[1:]):6.2f} s  {name}")


if __name__ == "__main__":
    main()
