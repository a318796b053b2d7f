"""The report in Word, generated from a template by docxtpl."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined


def render(template: Path, pictures: Mapping[str, bytes], **values: object) -> bytes:
    """Return the filled Word template; the same values always give the same bytes.

    Args:
        template: a .docx file, in which `{{ picture(name, width) }}` inserts a picture.
        pictures: file name -> PNG.
        values: the values of all fields of the template except the pictures; XML special characters
            in the values are escaped.
    """
    from docx.shared import Cm
    from docxtpl import DocxTemplate, InlineImage

    document = DocxTemplate(template)

    def picture(name: str, width: float) -> InlineImage:
        """Return a picture, `width` cm wide, for the Word report."""
        return InlineImage(document, io.BytesIO(pictures[name]), Cm(width))

    environment = Environment(undefined=StrictUndefined, autoescape=True, finalize=printable)
    document.render({**values, "picture": picture}, environment)
    return to_bytes(document)


def printable(value: object) -> object:
    """Replace unprintable characters, some of which XML forbids, with codes such as [U+0007]."""
    if not isinstance(value, str):
        return value
    return "".join(map(_printable_letter, value))


def _printable_letter(letter: str) -> str:
    return letter if letter.isprintable() else f"[U+{ord(letter):04X}]"


def to_bytes(document: Any) -> bytes:
    """Return a python-docx or docxtpl document as a .docx file whose zip entries all have the same
    fixed date.
    """
    saved, undated = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(undated, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name)  # its date is the default, in 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return undated.getvalue()
