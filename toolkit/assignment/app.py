"""The command-line interface, python -m toolkit.assignment COMMAND; --help lists the commands.

Each command imports its modules only when it is called, so that --help appears at once.
"""

import random
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.assignment.grade.command import LanguageOption, grade
from toolkit.assignment.package.packages import packages
from toolkit.assignment.running.parts import PARTS, Part
from toolkit.common.console import can_ask, command_group, command_line, reports_errors
from toolkit.common.errors import UsageError
from toolkit.common.files import atomic_write

app = command_group("Check, report, pack and grade what students hand in.")


def _print_copies(written: list[Path], kept: list[Path]) -> None:
    for path in written:
        print(f"Written: {path}")
    for path in kept:
        print(f"Kept as it is: {path}")


@app.command()
@reports_errors
def skeleton(
    out: Annotated[Path, typer.Option(help="The folder for the files; it is made.")] = Path(
        "my_folder"
    ),
    mnist: Annotated[
        bool,
        typer.Option("--mnist", help="Also MNIST, 55 MB, where torchvision looks: OUT/data."),
    ] = False,
) -> None:
    """Create the four Python files and the notebook that you fill in.

    An existing file is never overwritten.
    """
    from toolkit.assignment.skeleton import write_skeleton

    _print_copies(*write_skeleton(out, mnist))
    next_command = command_line("toolkit", "check", str(out))
    print(f"Fill them in, and check them whenever you have finished a piece: {next_command}")


@app.command()
@reports_errors
def solution(
    out: Annotated[Path, typer.Option(help="The folder for the files; it is made.")],
) -> None:
    """For teachers: copy the complete solution into a folder.

    `pack` refuses code that is a copy of the solution.

    An existing file is never overwritten.
    """
    from toolkit.assignment.skeleton import write_solution

    _print_copies(*write_solution(out))
    print(
        "This is the complete solution, for those who teach the assignment. Students learn from "
        "writing their own, and pack refuses this one, under other names as well."
    )


@app.command()
@reports_errors
def check(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="The folder with your code: dataset.py, lstm.py, train.py and my_gan.py, or files "
            "with names of your own; also in folders and notebooks. Or one of the files.",
            show_default=False,
        ),
    ] = None,
    part: Annotated[
        Part | None, typer.Option(help="Check this part only.", show_default="all four")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Explain one kind of finding instead, e.g. missing-detach."
        ),
    ] = None,
) -> None:
    """Report what is right and what is wrong in your code, and what could not be checked.

    The check finds your files by their contents. The check runs a copy of your files under your
    user account, without a sandbox, so use `grade` for other people's code. The exit code is 0 if
    everything is right, and 1 if something is wrong. It is 3 if nothing is wrong but something
    could not be checked. It is 2 if the folder cannot be checked at all.
    """
    if explain is not None and path is None and not json:
        from toolkit.assignment.findings.explanations import explain_id

        print(explain_id(explain))
        return
    if path is None or explain is not None:
        raise UsageError("Give the folder with your code, or --explain and an id alone.")
    from toolkit.assignment.asking.host import NOT_LIMITED, Host

    if NOT_LIMITED:
        print(f"Note: {NOT_LIMITED}", file=sys.stderr)
    with Host() as host:  # the host starts while this process imports
        from toolkit.assignment.findings.text import as_text
        from toolkit.assignment.judging.parent import check as check_submission

        say = partial(print, " ", file=sys.stderr)
        report = check_submission(path, say, [part] if part else PARTS, host)
    if json:
        print(report.as_json(), flush=True)
    else:
        print(as_text(report, path.parent if path.is_file() else path), flush=True)
    raise typer.Exit(report.exit_code)


@app.command()
@reports_errors
def export(
    hand_in: Annotated[Path, typer.Argument(help="The folder with your code and its weights.")],
    out: Annotated[Path, typer.Option(help="Where the files go, e.g. mine.")],
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file with weights, which takes the place of those in HAND_IN for the networks "
            "that it fits; again for another file."
        ),
    ] = None,
) -> None:
    """Export your own networks with their weights, in the same formats as the toolkit's networks.

    The command exports an LSTM only if `check` says that the LSTM is right. The LSTM's weights are
    copied into the toolkit's own LSTM, which then makes the same predictions as your LSTM.
    Generators and discriminators are exported unchanged. The command runs your code under your user
    account, without a sandbox, and unpickles weight files that contain whole networks, so do not
    use it on other people's files. The exit code is 1 if a network whose weights were found could
    not be exported, or if nothing could be exported; all other networks are still written.
    """
    from toolkit.assignment.asking.host import Host

    with Host() as host:
        from toolkit.assignment.export.command import export as export_networks

        say = partial(print, " ", file=sys.stderr)
        done = export_networks(hand_in, out, weights or [], say, host)
    print("\n".join(done.said))
    if done.exports:
        files = [export.file for export in done.exports]
        print(f"{out}/: {', '.join(files)}, manifest.json.")
    raise typer.Exit(int(done.refused or not done.exports))


@app.command()
@reports_errors
def report(
    student_number: Annotated[str, typer.Option(help="Your student number, as for `pack`.")],
    folder: Annotated[Path, typer.Argument(help="With your code and its records.")] = Path(),
    name: Annotated[str, typer.Option(help="Your name.", show_default="no name")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Where it goes.", show_default="FOLDER/report")
    ] = None,
    exports: Annotated[
        Path | None,
        typer.Option(
            help="Show your own networks, too: the folder that `toolkit export` has written, which "
            "is run; with --reference the toolkit's.",
            show_default="none",
        ),
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Show the toolkit's networks instead, and say so.")
    ] = False,
) -> None:
    """Make the report, in LaTeX and in Word, with the numbers and pictures of your training runs
    filled in.

    Your train.py and my_gan.py write the numbers and pictures into the folder records/. If some of
    them are missing, the output says which commands create them. The command does not run your
    code. With --exports, the report also covers your own exported networks; measuring them takes
    about a minute.
    """
    from toolkit.assignment.handin.archive import check_student_number
    from toolkit.assignment.report.fill import make_report
    from toolkit.assignment.report.own import read_own, read_reference

    check_student_number(student_number)
    results = read_reference(exports) if reference else read_own(folder, exports)
    if out is None:
        out = folder / "report"
    directory, made = make_report(student_number, name, results, out)
    for gap in dict.fromkeys(results.gaps):
        print(f"Missing: {gap.what}.\n  {gap.command}")
    if results.gaps:
        print(f"Run these commands in {folder.resolve()}, and then `toolkit report` again.")
    for doubt in results.doubts:
        print(f"Have another look: {doubt}")
    _say_incomplete("".join(name.split()), directory, made)
    if directory != out:
        print(f"You edited the report in {out}. It stays as it is; the new one is beside it.")
    if exports is None and not reference and (folder / "mine" / "manifest.json").is_file():
        command = command_line(
            *("toolkit", "report", str(folder), "--student-number", student_number),
            *("--exports", str(folder / "mine")),
        )
        print(f"Not shown: the networks in {folder / 'mine'}. With them: {command}")
    print(f"{directory}/: {', '.join(made)}. Replace each [[ ... ]] by your own text.")


def _say_incomplete(text: str, directory: Path, made: list[str]) -> None:
    """Print a note if pdfLaTeX cannot typeset some of the characters in `text`, and another note if
    report.docx was not created.
    """
    from toolkit.assignment.report.latex import lacking
    from toolkit.common.package_data import how_to_install

    missing = lacking(text)
    if missing:
        print(
            f"Note: pdfLaTeX has no {missing}, so report.tex has character codes instead. "
            "Replace them there, with a font of your choice; Word needs none of that."
        )
    if "report.docx" not in made:
        print(
            "Left out: report.docx, because the package docxtpl is not installed. To have it too, "
            f"install it and run this again: {how_to_install('report')}"
        )
        if (directory / "report.docx").exists():
            print("The report.docx in this folder is older.")


@app.command()
@reports_errors
def pack(
    student_number: Annotated[str, typer.Option(help="Your student number; it names the archive.")],
    folder: Annotated[
        Path, typer.Argument(help="The folder with your code, notebook and report.")
    ] = Path(),
    out: Annotated[Path, typer.Option(help="Where the archive goes.")] = Path(),
    report: Annotated[
        Literal["word", "latex"] | None, typer.Option(help="If there are two: which is yours.")
    ] = None,
) -> None:
    """Make the archive that you hand in, and test it in the same way as the grader does.

    If a required file is missing or empty, the command says so and makes no archive. The first line
    of the output lists everything that would cost points. An older archive is kept under another
    name. If your system supports the sandbox that `grade` uses, the command tests your code in this
    sandbox; otherwise, your code runs under your user account, without a sandbox.
    """
    from toolkit.assignment.pack import pack as pack_submission
    from toolkit.assignment.sandbox.isolation import Limits

    ask = partial(typer.confirm, default=None) if can_ask() else None  # no default for Enter
    print(pack_submission(folder, student_number, out, Limits(), report=report, ask=ask).as_text())


@app.command()
@reports_errors
def tutor(
    what: Annotated[Literal["check", "hint"], typer.Argument(help="What you want.")],
    name: Annotated[str, typer.Argument(help="As `toolkit progress` lists it: lstm.equation_5.")],
    folder: Annotated[Path, typer.Argument(help="The folder with your code.")] = Path(),
    expect: Annotated[
        str | None, typer.Option(help="What you expect to change.", show_default="you are asked")
    ] = None,
) -> None:
    """Check one exercise on a tiny numerical example, or get the next hint.

    A check runs the code in FOLDER under your user account, without a sandbox.

    The exit code of a check is 0 if the code for the exercise is right, 1 if the code is wrong or
    not written yet, and 3 if the code could not be checked.
    """
    from toolkit.assignment.asking.host import Host

    if what == "hint":
        from toolkit.assignment.tutor.session import next_hint

        print(next_hint(name, folder))
        return
    with Host() as host:  # the host starts while this process imports
        from toolkit.assignment.tutor.session import check_exercise

        answer, text = check_exercise(name, folder, None, expect, host)
    print(text)
    raise typer.Exit({"right": 0, "not seen": 3}.get(answer.verdict, 1))


@app.command()
@reports_errors
def progress(
    folder: Annotated[Path, typer.Argument(help="The folder with your code.")] = Path(),
) -> None:
    """List the tutor's exercises, and mark the ones that you have solved and the ones for which
    your code was wrong at the last check.
    """
    from toolkit.assignment.tutor.session import list_progress

    print(list_progress(folder))


@app.command()
@reports_errors
def curve(
    file: Annotated[Path, typer.Argument(help="CSV, JSON, JSON lines, or TensorBoard's.")],
    network: Annotated[
        Literal["lstm", "rnn", "gan"] | None,
        typer.Option(help="What was trained.", show_default="as the settings beside FILE say"),
    ] = None,
    length: Annotated[int | None, typer.Option(help="T.", show_default="the same")] = None,
    every: Annotated[
        float | None, typer.Option(help="Steps between values.", show_default="as FILE says, or 1")
    ] = None,
) -> None:
    """Compare your losses with the losses of healthy training runs, and draw both in one picture.

    FILE, such as records/gan.csv, contains your losses. The exit code is 0 if your curves stay
    within the range of the healthy runs. If a curve leaves this range, the exit code is 1, and the
    command names the usual cause.
    """
    from toolkit.assignment.curve.answer import compare

    verdict, text = compare(file, network, length, every)
    print(text)
    raise typer.Exit(verdict.cause != "")


@app.command()
@reports_errors
def viva(
    folder: Annotated[Path, typer.Argument(help="The folder with the code.")] = Path(),
    seed: Annotated[
        int | None, typer.Option(help="Which questions.", show_default="others each time")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="For teachers: write a page to print, FILE.html, with the answers. The code runs "
            "in the sandbox of grade, which needs Linux."
        ),
    ] = None,
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe",
            help="With --sheet: also where the code can reach files or the network.",
        ),
    ] = False,
    lang: LanguageOption = "en",
) -> None:
    """Ask up to five questions about your own lines of code; the right answers are found by running
    the code.

    The command runs the code in FOLDER under your user account, without a sandbox. For other
    people's code, use --sheet.
    """
    if seed is None:
        seed = random.randrange(10**6)
    if sheet is not None:
        from toolkit.assignment.grade.pages import viva_page
        from toolkit.assignment.grade.sheet import questions_for_sheet

        questions = questions_for_sheet(folder, lang, seed, unsafe)
        atomic_write(sheet, viva_page(questions, folder.resolve().name, lang).encode())
        print(f"Written: {sheet}")
        return
    if unsafe:
        raise UsageError("--unsafe is for --sheet: without it your own code runs as you.")
    from toolkit.assignment.asking.host import Host
    from toolkit.assignment.handin.submission import check_folder

    check_folder(folder)
    print("Running your code several times, to find questions: up to a minute.", file=sys.stderr)
    with Host() as host:  # the host starts while this process imports
        from toolkit.assignment.viva.session import ask, find_questions

        questions = find_questions(folder, lang, seed, host)
    for text in ask(questions, lang, can_ask(), seed):
        print(text)


app.command()(reports_errors(grade))
app.add_typer(packages, name="package")

if __name__ == "__main__":
    app(prog_name="python -m toolkit.assignment")
