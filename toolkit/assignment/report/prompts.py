"""What a student still has to write: text in double square brackets, `[[ like this ]]`.

The report templates ask their questions and name missing records in such brackets. A report is
ready when none are left.
"""

import io
import re
import zipfile
from xml.etree import ElementTree

from toolkit.common.errors import ToolkitError

REMARK = "Made by the toolkit, not by this student."  # at the end of captions, with --reference
PROMPT = re.compile(r"\[\[\s*(.+?)\s*\]\]", re.DOTALL)
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def prompts_in(name: str, content: bytes) -> list[str]:
    """The prompts that are left in a .docx file, or in any text file such as LaTeX.

    Args:
        name: what the file is called.

    Returns:
        what is between the brackets, with single spaces, in the order of the text.

    Raises:
        ToolkitError: its name says that it is a Word file, and it is not.
    """
    return [" ".join(found.split()) for found in PROMPT.findall(text_of(name, content))]


def text_of(name: str, content: bytes) -> str:
    """The text of a .docx file, or of any text file such as LaTeX.

    Raises:
        ToolkitError: its name says that it is a Word file, and it is not.
    """
    word = name.lower().endswith(".docx")
    return _text_of_word(name, content) if word else content.decode(errors="replace")


def _text_of_word(name: str, content: bytes) -> str:
    """The text of a Word file, a line for each paragraph."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            body = ElementTree.fromstring(archive.read("word/document.xml"))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise ToolkitError(
            f"{name} is not a Word file ({error}). Save it as .docx again."
        ) from error
    return "\n".join(
        "".join(text.text or "" for text in paragraph.iter(f"{WORD}t"))
        for paragraph in body.iter(f"{WORD}p")
    )
