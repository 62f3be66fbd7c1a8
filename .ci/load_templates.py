"""Load every template of the installed package, and say how many."""

import symbackprop
from symbackprop import templating

folder = templating.template_folder()
assert folder.is_relative_to(symbackprop.__path__[0]), folder
names = sorted(path.name for path in folder.iterdir())
assert names, folder
for name in names:
    templating.environment().get_template(name)
print(f"{len(names)} templates load from {folder}")
