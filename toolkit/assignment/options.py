"""The options of `grade`, the rubric that `package` takes, too, and the part for `check`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.assignment.parts import Part

Platform = Literal["moodle", "canvas", "blackboard", "gradescope"]

RubricOption = Annotated[
    Path | None,
    typer.Option(help="A TOML file with the points.", show_default="the assignment's 40 + 60"),
]
PartOption = Annotated[
    Part | None, typer.Option(help="Check this part only.", show_default="all four")
]
OnlyOption = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="Grade this student alone; the others keep results."),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Grade again what has a result, and replace it.")
]
LanguageOption = Annotated[
    Literal["en", "zh"], typer.Option(help="The language of the students' pages.")
]
JobsOption = Annotated[
    int, typer.Option(min=1, max=1000, help="How many archives to grade at the same time.")
]
ClusterOption = Annotated[
    str | None, typer.Option(help="For a big class: a Dask scheduler, tcp://HOST:PORT.")
]
TimeLimitOption = Annotated[float, typer.Option(min=1, max=86_400, help="Seconds for one archive.")]
MemoryLimitOption = Annotated[
    float, typer.Option(min=0.1, max=1024, help="GiB of memory for one archive.")
]
RestartOption = Annotated[
    bool, typer.Option("--restart", help="Set old results aside and grade everything again.")
]
UnsafeOption = Annotated[
    bool,
    typer.Option(
        "--unsafe",
        help="Grade on this machine even where submissions can reach files or the network.",
    ),
]
VivaOption = Annotated[
    bool, typer.Option("--viva", help="Write questions about each student's own lines, too.")
]
PlatformOption = Annotated[
    Platform | None,
    typer.Option(help="Write the grades and the feedback as this platform wants them, too."),
]
RosterOption = Annotated[
    Path | None, typer.Option(help="A CSV of all students, such as the platform's own export.")
]
TitleOption = Annotated[str, typer.Option(help="The assignment's name on Canvas or Blackboard.")]
