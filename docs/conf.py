"""How the documentation is made into pages: `scripts/docs`."""

import sys
from pathlib import Path

from dream_gateway.version import version as installed

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "dream-gateway"
version = release = installed()
extensions = ["generated", "outside", "myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["extensions"]
html_theme = "furo"
html_title = f"dream-gateway {version}"
html_show_copyright = False
html_copy_source = False
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # Generated and included sections begin below a title.
default_role = "code"  # Docstrings are written with single backticks.
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": False}
