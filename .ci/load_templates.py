"""Load every template of the installed package the way its owner does, and say how many."""

import symbackprop
from symbackprop.emit import environment
from symbackprop.report import documents

folder = environment.template_folder()
assert folder.is_relative_to(symbackprop.__path__[0]), folder
names = sorted(path.name for path in folder.iterdir())
assert names, folder
for name in names:
    if name.startswith("report_"):
        documents._template(name)
    else:
        environment._environment().get_template(name)
print(f"{len(names)} templates load from {folder}")
