"""The documentation site: `make docs`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402

project = "ax_anasod"
author = "The ax_anasod developers"
version = release = installed("ax-anasod")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_llms_txt",
]
exclude_patterns = ["_build", "pictures/*.py"]

html_theme = "furo"
html_title = "ax_anasod"
html_static_path: list[str] = []
# Sphinx lets no key move what is wider than the page, and gives captions of menus no level.
html_js_files = [
    (
        None,
        {
            "body": """addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("pre, .table-wrapper").forEach((e) => { e.tabIndex = 0; });
  document.querySelectorAll(".caption[role=heading]").forEach((e) => { e.ariaLevel = 2; });
});"""
        },
    )
]

# `make tutorials` executes the notebooks; here they are shown as they were executed.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

# Without a network the inventories of other projects cannot be read: DOCS_OFFLINE=1 does without.
intersphinx_mapping = (
    {}
    if os.environ.get("DOCS_OFFLINE")
    else {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
        "botorch": ("https://botorch.readthedocs.io/en/stable", None),
        "gpytorch": ("https://docs.gpytorch.ai/en/stable", None),
        "ax": ("https://ax.readthedocs.io/en/stable", None),
    }
)

generate.write_pages(HERE)
