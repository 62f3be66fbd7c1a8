"""Templates: where they are, and how they are filled."""

from __future__ import annotations

import functools
from pathlib import Path

import jinja2


def template_folder() -> Path:
    """The folder of templates: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no templates in {package} or beside it: install symbackprop again")


def fill(template: str, **values: object) -> str:
    """A template filled in; a name that it misses is an error."""
    return environment().get_template(template).render(**values)


@functools.lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """The delimiters of every template: such as neither LaTeX nor Python has need of."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # whoever fills a template escapes for its language
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
