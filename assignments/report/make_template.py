"""Makes report.docx, the Word template of the report: python assignments/report/make_template.py

Text in {{ }} and {% %} is for docxtpl, which fills in the template. Text in [[ ]] is addressed to
the student, and is the same as in report.tex. To change the template, edit this file, not
report.docx, and then run this file.
"""

from pathlib import Path

from docx import Document
from docx.document import Document as Word
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle

from toolkit.assignment.report.word import to_bytes

TEMPLATE = Path(__file__).with_name("report.docx")
BLACK, RED = RGBColor(0, 0, 0), RGBColor(0xB0, 0x10, 0x10)


def build() -> bytes:
    """Return the template as bytes, which are the same on every run."""
    word = Document()
    set_up(word)
    word.add_paragraph("Assignment 3: LSTM and GAN", style="Title")
    word.add_paragraph("{% if name %}{{ name }}, {% endif %}student number {{ student_number }}")
    word.add_paragraph("{{ results.source }}")
    add_part_one(word)
    add_part_two(word)
    word.add_heading("Running the code", level=1)
    add_prompt(
        word,
        "What is in each file of the archive, and how do you run it? Name the versions of Python "
        "and of the packages.",
    )
    begin_if(word, "results.commands")
    word.add_paragraph("These commands make the numbers and pictures above again:")
    end_if(word)
    add_each(word, "command in results.commands", "{{ command }}", style="Command")
    word.add_paragraph("The notebook assignment3.ipynb shows them.")
    begin_if(word, "results.tutor")
    word.add_heading("With the tutor", level=1)
    end_if(word)
    add_each(word, "line in results.tutor", "{{ line }}", style="List Bullet")
    return to_bytes(word)


def add_part_one(word: Word) -> None:
    """The LSTM."""
    word.add_heading("Part I: LSTM on palindromes", level=1)
    word.add_paragraph(
        "A palindrome of T digits is read up to digit T-1, and digit T is predicted."
    )
    word.add_heading("What was done", level=2)
    add_prompt(
        word,
        "Describe your LSTM: which line of your code implements which of the equations (1) to (9), "
        "what shapes the tensors have, and how h(0) is set.",
    )
    add_prompt(
        word,
        "Describe your data and your training: what a batch is, how palindromes for training and "
        "for testing are kept apart, the loss, RMSProp, the clipping of gradients, and why you "
        "chose these settings.",
    )
    add_gaps(word, "gap.part != 'gan'")
    begin_if(word, "results.recurrent")
    add_table(
        word,
        "run in results.recurrent",
        "Settings of the networks. The last column is the norm at which gradients are clipped.",
        {
            "training": "run.name",
            "T": "run.length",
            "input": "run.input",
            "hidden": "run.hidden",
            "batch": "run.batch",
            "learning rate": "run.learning_rate",
            "clipped at": "run.clipped",
        },
        first=3.7,
    )
    end_if(word)

    word.add_heading("Results: accuracy at T = 5 and longer", level=2)
    begin_if(word, "results.by_length")
    add_picture(
        word,
        "{{ picture(results.by_length, 12) }}",
        "Accuracy on unseen palindromes at the end of training, the best for each T. The faint "
        "line is the toolkit's own network, for comparison.",
    )
    end_if(word)
    begin_for(word, "figure in results.opened")
    add_picture(word, "{{ picture(figure.file, 10) }}", "{{ figure.caption }}")
    end_for(word)

    word.add_heading("Results: comparison with the RNN", level=2)
    begin_if(word, "results.recurrent")
    add_table(
        word,
        "run in results.recurrent",
        "At the end of training: the loss on the last batch, and the accuracy on unseen "
        "palindromes of length T.",
        {
            "training": "run.name",
            "network": "run.model",
            "T": "run.length",
            "steps": "run.steps",
            "loss": "run.loss",
            "accuracy": "run.accuracy",
        },
        first=4.5,
    )
    add_picture(
        word,
        "{% for run in results.recurrent %}{{ picture(run.figure, 7.2) }}{% endfor %}",
        "Accuracy during training, in the order of the table.",
    )
    end_if(word)

    word.add_heading("Analysis", level=2)
    add_prompt(
        word,
        "Is the LSTM near perfect at T = 5 with the default settings? How soon, and how sure are "
        "you of it?",
    )
    add_prompt(
        word,
        "What happens at longer T? Which settings did you change for it, the learning rate first "
        "of all, and what did each change do?",
    )
    add_prompt(
        word,
        "Compare the LSTM with the RNN: from which T on do they differ, and why? Use the equations "
        "and the gradients.",
    )


def add_part_two(word: Word) -> None:
    """The GAN."""
    word.add_heading("Part II: GAN on MNIST", level=1)
    word.add_heading("What was done", level=2)
    add_prompt(
        word,
        "Describe your generator and your discriminator, and how one training step updates both. "
        "Which form of objective (10) does the generator minimise? What did you change in the "
        "template, and why?",
    )
    add_gaps(word, "gap.part == 'gan'")
    begin_for(word, "gan in results.gans if gan.settings")
    add_table(
        word,
        "row in gan.settings",
        "Settings ({{ gan.name }}).",
        {"setting": "row.name", "value": "row.value"},
        first=7.5,
    )
    end_for(word)

    word.add_heading("Results: samples during the training", level=2)
    begin_for(word, "gan in results.gans")
    begin_if(word, "gan.samples")
    add_picture(
        word,
        "{% for name in gan.samples %}"
        "{{ picture(name, 4.4 if gan.samples | length > 1 else 15.3 if gan.losses else 6) }}"
        "{% endfor %}",
        "25 samples {{ gan.moment }} ({{ gan.name }}).",
    )
    end_if(word)
    begin_if(word, "gan.losses")
    add_picture(
        word,
        "{{ picture(gan.losses, 11) }}",
        "Losses of the two networks ({{ gan.name }}).",
    )
    end_if(word)
    begin_if(word, "gan.measured")
    add_table(
        word,
        "row in gan.measured",
        "Measured after the training ({{ gan.name }}). The Frechet distance compares "
        "classifier features of the samples with those of the test images; 0 means no difference. "
        "After ± stands the standard deviation of the draws.",
        {"measured": "row.name", "value": "row.value"},
        first=7.5,
        most=8.0,
    )
    end_if(word)
    end_for(word)

    word.add_heading("Results: interpolation between two classes", level=2)
    begin_for(word, "gan in results.gans if gan.interpolation")
    add_picture(
        word,
        "{{ picture(gan.interpolation, 15.3) }}",
        "9 images{{ gan.ends }}: two ends, and 7 steps on the straight line between them in "
        "latent space ({{ gan.name }}).",
    )
    end_for(word)

    word.add_heading("Analysis", level=2)
    add_prompt(
        word,
        "What do the samples look like at the start, halfway and at the end? What is still wrong "
        "with them?",
    )
    add_prompt(
        word,
        "What do the two losses tell you about the training, and what do they not tell you? Was it "
        "stable? Does the generator draw all ten digits?",
    )
    add_prompt(
        word,
        "Where between the two classes does one digit become the other? What does that say about "
        "the latent space?",
    )


def set_up(word: Word) -> None:
    """Set the paper size to A4, make headings black, and add styles for prompts and commands."""
    word.core_properties.title = "Assignment 3: LSTM and GAN"
    word.core_properties.author = ""
    word.core_properties.comments = ""
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Cm(2.5))
    for name in ("Title", "Heading 1", "Heading 2", "Caption"):
        style(word, name).font.color.rgb = BLACK
    style(word, "Normal").font.name = "Calibri"
    style(word, "Normal").font.size = Pt(11)
    style(word, "Caption").font.size = Pt(10)
    style(word, "Caption").font.bold = False
    prompt = word.styles.add_style("Prompt", WD_STYLE_TYPE.PARAGRAPH)
    command = word.styles.add_style("Command", WD_STYLE_TYPE.PARAGRAPH)
    for new in (prompt, command):
        new.base_style = word.styles["Normal"]
    style(word, "Prompt").font.color.rgb = RED
    style(word, "Command").font.name = "Courier New"
    style(word, "Command").font.size = Pt(10)


def style(word: Word, name: str) -> ParagraphStyle:
    """Return the paragraph style with this name."""
    found = word.styles[name]
    assert isinstance(found, ParagraphStyle)
    return found


def add_prompt(word: Word, text: str) -> None:
    """Add a question that the student replaces with an answer."""
    word.add_paragraph(f"[[ {text} ]]", style="Prompt")


def add_gaps(word: Word, condition: str) -> None:
    """For each missing or unusable training record that meets `condition`, add a line that says
    what is missing and which command creates this record.
    """
    text = "[[ Missing: {{ gap.what }}. The command for it: {{ gap.command }} ]]"
    add_each(word, f"gap in results.gaps if {condition}", text, style="Prompt")


def add_each(word: Word, loop: str, text: str, style: str = "Normal") -> None:
    """Add a paragraph for each iteration of a template loop."""
    begin_for(word, loop)
    word.add_paragraph(text, style=style)
    end_for(word)


def add_picture(word: Word, picture: str, caption: str) -> None:
    """Add one or more pictures in a row, with a caption below."""
    row = word.add_paragraph(picture)
    row.alignment = WD_ALIGN_PARAGRAPH.CENTER
    row.paragraph_format.keep_with_next = True
    below = word.add_paragraph(f"{caption} {{{{ results.remark }}}}", style="Caption")
    below.alignment = WD_ALIGN_PARAGRAPH.CENTER


def add_table(
    word: Word,
    loop: str,
    caption: str,
    columns: dict[str, str],
    first: float = 3.5,
    most: float = 3.5,
) -> None:
    """Add a caption and, below it, a table; when the template is filled in, the table gets one row
    for each iteration of `loop`.

    Args:
        columns: heading -> expression.
        first: the width of the first column in cm. The table is at most 16 cm wide. The other
            columns share the remaining width in proportion to the lengths of their headings
            (counted as at least 7 characters). None of these other columns gets more than `most`
            cm.
    """
    above = word.add_paragraph(f"{caption} {{{{ results.remark }}}}", style="Caption")
    above.alignment = WD_ALIGN_PARAGRAPH.CENTER
    above.paragraph_format.keep_with_next = True
    table = word.add_table(rows=4, cols=len(columns), style="Light Shading")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for look, on in (("val", "0620"), ("noHBand", "1"), ("firstColumn", "0")):
        table._tbl.tblPr.find(qn("w:tblLook")).set(qn(f"w:{look}"), on)  # only the head is special
    table.rows[1].cells[0].text = f"{{%tr for {loop} %}}"
    table.rows[3].cells[0].text = "{%tr endfor %}"
    weights = {heading: max(len(heading), 7) for heading in columns}
    for n, (heading, expression) in enumerate(columns.items()):
        table.rows[0].cells[n].text = heading
        table.rows[2].cells[n].text = f"{{{{ {expression} }}}}"
        share = weights[heading] / (sum(weights.values()) - next(iter(weights.values())))
        width = min(most, (16 - first) * share) if n else first
        table.columns[n].width = Cm(width)
        for row in table.rows:
            row.cells[n].width = Cm(width)
            for paragraph in row.cells[n].paragraphs:
                paragraph.paragraph_format.space_after = Pt(0)
                paragraph.paragraph_format.keep_with_next = True  # no page break inside
                for run in paragraph.runs:
                    run.font.size = Pt(9)
    word.add_paragraph()


def begin_if(word: Word, condition: str) -> None:
    """Begin a block that appears only if a condition holds."""
    word.add_paragraph(f"{{%p if {condition} %}}")


def end_if(word: Word) -> None:
    """Ends `begin_if`."""
    word.add_paragraph("{%p endif %}")


def begin_for(word: Word, loop: str) -> None:
    """Begin a block that is repeated for each iteration of a loop."""
    word.add_paragraph(f"{{%p for {loop} %}}")


def end_for(word: Word) -> None:
    """Ends `begin_for`."""
    word.add_paragraph("{%p endfor %}")


if __name__ == "__main__":
    TEMPLATE.write_bytes(build())
    print(TEMPLATE)
