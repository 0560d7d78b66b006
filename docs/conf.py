"""The documentation: pages in Markdown, built into one folder that needs no network."""

from latex2mathml.converter import convert

project = "SynCohort"
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
exclude_patterns = []
html_theme = "furo"
html_title = "SynCohort"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
# every reference inside the documentation must lead somewhere
nitpicky = True


def _write(display: str):
    """A visitor that writes an equation as MathML, which browsers draw without a script."""

    def visit(translator, node):
        from docutils.nodes import SkipNode

        translator.body.append(convert(node.astext(), display=display))
        raise SkipNode

    return visit


def setup(app):
    app.add_html_math_renderer("mathml", (_write("inline"), None), (_write("block"), None))


html_math_renderer = "mathml"
