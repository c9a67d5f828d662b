"""What our pages have in common: templates that escape what they are given, and a policy: only our scripts run."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

HEAD = Markup("""\
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src {images}; style-src 'unsafe-inline'; \
script-src{scripts}; base-uri 'none'; form-action 'none'">
<title>{title}</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
%3Cpath d='M3 1h10L9 8l4 7H3l4-7z' fill='%233b7dd8'/%3E%3C/svg%3E">""")


def environment(package: str) -> Environment:
    """For the templates of a package, in its folder `template`."""
    made = Environment(
        loader=PackageLoader(package, "template"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals["head"] = head
    return made


def head(title: str, scripts: Sequence[str], images: str = "data:") -> Markup:
    """`scripts`: those that may run, as hashes of `hash_of`. `images`: where pictures may be from."""
    allowed = Markup("").join(Markup(" '{}'").format(one) for one in scripts)
    return HEAD.format(title=title, scripts=allowed, images=images)


def read(package: str, name: str) -> Markup:
    """A file beside the templates of a package, which is ours: to stand in the page as it is."""
    text = (resources.files(package) / "template" / name).read_text(encoding="utf-8")
    return Markup(text)  # nosec B704 # ours


def hash_of(script: str) -> str:
    """For the page's content security policy: only these scripts run, whatever a file may have smuggled in."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
