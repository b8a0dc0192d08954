"""Write the address of the repository into README.md and pyproject.toml, before a release is built.

    python .github/hosted_links.py https://github.com/OWNER/NAME v1.2.3

Links and pictures of README become absolute, and `[project.urls]` is added. It ends with an error
if a relative link remains.
"""

import re
import sys
from pathlib import Path

# A link of Markdown, or a picture of HTML; what begins with a scheme or # is left alone.
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s]+)")
_PICTURE = re.compile(r"""(\b(?:src|srcset|href)=["'])(?![a-z]+:|#)([^"']+)""")


def main(address: str, ref: str) -> None:
    """Change the two files of the working directory.

    Args:
        address: The address of the repository.
        ref: The tag whose files are linked.
    """
    readme, project = Path("README.md"), Path("pyproject.toml")
    text = _LINK.sub(rf"\1{address}/blob/{ref}/\2", readme.read_text())
    text = _PICTURE.sub(rf"\1{address}/raw/{ref}/\2", text)
    # Links of other forms, such as [name]: path, are not rewritten above.
    if left := re.findall(r"^\[[^]]+\]:\s+(?![a-z]+:|#).*$", text, flags=re.MULTILINE):
        sys.exit(f"README.md has relative links: {', '.join(left)}")
    readme.write_text(text)
    settings = project.read_text()
    if "[project.urls]" not in settings:
        project.write_text(
            f"{settings}\n[project.urls]\n"
            f'Repository = "{address}"\n'
            f'Documentation = "{address}/blob/{ref}/docs/index.md"\n'
            f'Changelog = "{address}/blob/{ref}/CHANGELOG.md"\n'
            f'Issues = "{address}/issues"\n'
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
