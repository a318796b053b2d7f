"""The documents: each command can be given as it stands, each file exists, the pages build."""

import contextlib
import html.parser
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import doc_tables
import pytest
import typer
import yaml
from packaging.specifiers import SpecifierSet
from typer.core import TyperGroup

import toolkit
from toolkit.__main__ import app as toolkit_app
from toolkit.assignment.app import app as assignment_app
from toolkit.train.app import app as train_app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXPLAIN = ROOT / "toolkit" / "assignment" / "findings" / "explain"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "demos" / "README.md",
    *(path for path in sorted(DOCS.rglob("*.md")) if not path.is_symlink()),
    *sorted(EXPLAIN.glob("*.md")),
]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# What other programs do is theirs; the C++ and JavaScript programs are run by tests/export.
OTHER_PROGRAMS = {
    *("cmake", "cp", "git", "hf", "mkdir", "node", "npm", "pipx", "python3", "source", "sudo", "uv")
}


def commands(text: str) -> list[str]:
    """The commands in the sh blocks of a page, as they are typed."""
    typed = []
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            command = line.split(" #")[0].strip()
            if command:
                typed.append(command)
    return typed


def commands_of_all_pages() -> list[str]:
    """Each command once, in order."""
    typed = set()
    for page in PAGES:
        typed.update(commands(page.read_text()))
    return sorted(typed)


ALL_COMMANDS = commands_of_all_pages()


class Parsed(Exception):
    """A script has read its arguments and would begin now."""


def parse_with_typer(app: typer.Typer, words: Sequence[str]) -> None:
    """Let the command line read its arguments, and do nothing."""
    command: Any = typer.main.get_command(app)
    name = "command"
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        name, *words = words
        command = command.commands[name]
    with contextlib.suppress(typer.Exit):  # --help; an error is another exception
        command.make_context(name, list(words))


def parse_toolkit(words: Sequence[str]) -> None:
    """The console script, which hands a demo's options on to the demo."""
    parse_with_typer(toolkit_app, words)
    if words[0] == "demo":
        run_script(ROOT / "demos" / f"{words[1]}_demo.py", [*words[2:], "--help"])


def run_script(script: Path, arguments: Sequence[str]) -> None:
    """Run a script here until it has read its arguments.

    After --help, click has read all of them; argparse has when `parse_args` returns.
    """

    def parse_args(parser: ArgumentParser, *arguments: Any) -> Any:
        raise Parsed(parse(parser, *arguments))

    parse = ArgumentParser.parse_args
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ArgumentParser, "parse_args", parse_args)
        patch.setattr(sys, "argv", [str(script), *arguments])
        patch.syspath_prepend(script.parent)
        code = None
        try:
            runpy.run_path(str(script), run_name="__main__")
        except Parsed:
            pass
        except SystemExit as ended:
            code = ended.code
        assert code in (0, None), f"{script.name} does not take {arguments}"


def parse_pip(words: Sequence[str]) -> None:
    """The things that pip installs are this project's own extras and groups."""
    assert words[0] == "install"
    for word in words:
        if extras := re.fullmatch(r"\.\[(.*)\]", word):
            assert set(extras[1].split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    if "--group" in words:
        assert words[words.index("--group") + 1] in PROJECT["dependency-groups"]


def parse_make(words: Sequence[str]) -> None:
    """Each target is one of the Makefile's."""
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert targets is not None
    assert set(words) <= set(targets[1].split())


def parse_results(words: Sequence[str]) -> None:
    """The command inside of `results.py NAME COMMAND...` is one as well."""
    run_script(ROOT / "benchmarks" / "results.py", words)
    if words[0] != "--tables":
        understand(words[1:])


def parse_mkdocs(words: Sequence[str]) -> None:
    """A command of MkDocs."""
    cli = pytest.importorskip("mkdocs.__main__", reason="needs mkdocs: pip install --group docs")
    cli.cli.commands[words[0]].make_context(words[0], list(words[1:]))


PARSERS: dict[str, Callable[[Sequence[str]], None]] = {
    "toolkit": parse_toolkit,
    "python -m toolkit.train": lambda words: parse_with_typer(train_app, words),
    "python -m toolkit.assignment": lambda words: parse_with_typer(assignment_app, words),
    "python -m pip": parse_pip,
    "python -m pytest": lambda words: None,
    "python benchmarks/results.py": parse_results,
    ".ci/matrix": lambda words: run_script(ROOT / ".ci" / "matrix", words),
    "make": parse_make,
    "mkdocs": parse_mkdocs,
}


def understand(words: Sequence[str]) -> None:
    """Let whoever reads the arguments of a command read them; unknown ones fail."""
    for length in (3, 2, 1):
        if parse := PARSERS.get(" ".join(words[:length])):
            return parse(words[length:])
    if words[0] == "python":
        arguments = [*words[2:], *(["--help"] if words[1].startswith("demos/") else [])]
        return run_script(ROOT / words[1], arguments)
    if words[0].startswith("exports/cpp/build"):
        name = Path(words[0]).name
        assert (ROOT / "exports" / "cpp" / f"{name}.cpp").exists()
    else:
        assert words[0] in OTHER_PROGRAMS, f"nothing reads the arguments of {words[0]}"


@pytest.mark.xdist_group("commands")  # so that what they import is imported once
@pytest.mark.parametrize("command", ALL_COMMANDS)
def test_commands_are_understood(command: str) -> None:
    """They can be given like this; what they do is tested elsewhere."""
    understand(shlex.split(command))


@pytest.mark.xdist_group("commands")
@pytest.mark.parametrize(
    "command",
    [
        "toolkit train gan --no-such-option 1",
        "toolkit no-such-command",
        "toolkit demo gan --no-such-option",
        "python -m toolkit.assignment report",
        "python exports/load_exports.py predict",
        "python benchmarks/results.py demos python benchmarks/demos.py --no-such-option",
        'python -m pip install -e ".[no-such-extra]"',
        "make no-such-target",
        "no-such-program",
    ],
)
def test_wrong_commands_are_noticed(command: str) -> None:
    with pytest.raises(Exception) as noticed:  # noqa: PT011 -- each reader has an error of its own
        understand(shlex.split(command))
    assert not isinstance(noticed.value, Parsed)


def test_readme_is_short_and_shows_something_at_once() -> None:
    assert len(README.splitlines()) <= 100
    assert commands(README)[:4] == [
        "python3 -m venv .venv",
        "source .venv/bin/activate",
        "python -m pip install -e .",
        "python exports/load_exports.py",
    ]


def test_every_floor_was_tried() -> None:
    """In .ci/matrix, all at once. To two places: torch 2.4 was 2.4.1."""
    least = (ROOT / "constraints" / "py311-torch2.4.txt").read_text()
    tried = dict(re.findall(r"^(\S+)==(\d+\.\d+)", least, re.MULTILINE))
    for requirement in PROJECT["project"]["dependencies"]:
        name, floor = re.match(r"([\w-]+)>=(\d+(?:\.\d+)?)", requirement).groups()
        assert f"{floor}.0".startswith(tried[name]), requirement


@pytest.mark.needs("make")
@pytest.mark.parametrize("page", ["README.md", "docs/students.md"])
def test_pip_does_the_same_as_make(page: str, tmp_path: Path) -> None:
    """The plain-pip lines are those that make would run in a fresh clone, spelled without paths."""
    shown = commands((ROOT / page).read_text())
    assert {"make train", "make test"} <= set(shown)
    for file in ("Makefile", "pyproject.toml"):
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    for target in ("train", "test"):
        done = subprocess.run(
            ["make", "-n", "--no-print-directory", target],
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
            capture_output=True,
            text=True,
            check=True,
        )
        for line in done.stdout.splitlines():
            if not line.startswith("touch"):
                assert line.split(" || ")[0].replace(".venv/bin/", "") in shown


def sections(page: Path) -> dict[str, str]:
    """Anchor of a heading, as forges and MkDocs make it -> the text below it."""
    _, *parts = re.split(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    texts = {}
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        words = re.sub(r"[^\w -]", "", heading.lower())
        texts[words.replace(" ", "-")] = text
    return texts


def numbers(text: str) -> set[str]:
    """The numbers in a text, as they are written."""
    return set(re.findall(r"\d[\d,.]*\d|\d", text))


def test_headline_figures_are_in_tables() -> None:
    """Each figure in the README stands in a table of the section to which its row leads."""
    (table,) = re.findall(
        r"^\| what \| measured \| where \|\n\|---\|.*\n((?:\|.*\n)+)", README, re.M
    )
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()]
    assert len(rows) == 6
    for _, measured, link in rows:
        page, anchor = re.search(r"\]\((.*)#(.*)\)", link).groups()  # type: ignore[union-attr]
        tables = re.findall(r"^\|.*$", sections(ROOT / page)[anchor], re.MULTILINE)
        assert numbers(measured) <= numbers("\n".join(tables)), measured


def test_tour_with_torch_alone() -> None:
    done = subprocess.run(
        [sys.executable, "exports/load_exports.py"], cwd=ROOT, capture_output=True, text=True
    )
    digits, answer = re.match(r"([\d ]+) -> (\d),", done.stdout).groups()  # type: ignore[union-attr]
    palindrome = [*map(int, digits.split()), int(answer)]
    assert palindrome == palindrome[::-1]
    assert "the classifier sees a" in done.stdout


@pytest.mark.rows(1)
@pytest.mark.parametrize("number", [0, 1], ids=["with the toolkit", "with torch alone"])
def test_python_snippet(number: int) -> None:
    snippets = re.findall(r"```python\n(.*?)```", (DOCS / "exports.md").read_text(), re.DOTALL)
    snippet = snippets[number]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", snippet + "\nprint(digit)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "3\n", done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    """Linked files and headings, and files named in code, but for what a command makes."""
    text = page.read_text()
    for target, anchor in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", text):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in sections(file), anchor
    folders = "toolkit|exports|demos|assignments|benchmarks|docs|tests|playground"
    for name in re.findall(rf"`((?:{folders})/[\w./*-]*)`", text):
        made = name.startswith("exports/cpp/build") or name.endswith((".onnx", ".pt2"))
        assert made or any(ROOT.glob(name.rstrip("/"))), name


def test_citation_and_issue_templates() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == toolkit.__version__
    assert citation["license"] == PROJECT["project"]["license"]
    templates = list((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    for path in templates:
        form = yaml.safe_load(path.read_text())
        if path.name != "config.yml":
            assert {"name", "description", "body"} <= set(form)
    assert len(templates) == 4


def record(directory: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Write down what a Python program prints, as `trial`."""
    script = str(ROOT / "benchmarks" / "results.py")
    command = [sys.executable, script, "--directory", str(directory), "trial", "python", "-c"]
    return subprocess.run([*command, program], capture_output=True, text=True)


TABLE = "| what | measured |\n|---|---|\n| speed | 7 s |"


def test_a_benchmark_is_written_down(tmp_path: Path) -> None:
    done = record(tmp_path, f"print('beside it'); print({TABLE!r})")
    assert done.returncode == 0, done.stderr
    assert TABLE in done.stdout
    written = json.loads((tmp_path / "trial.json").read_text())
    assert written["output"] == ["beside it", *TABLE.splitlines()]
    assert written["version"] == toolkit.__version__
    assert written["cores"] == len(os.sched_getaffinity(0))
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    assert (written["commit"] or "").removesuffix("-dirty") == head.stdout[:12]


def test_a_failed_benchmark_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text("old")
    done = record(tmp_path, "print('| half |'); raise SystemExit(3)")
    assert done.returncode == 1
    assert "failed with exit code 3" in done.stderr
    assert (tmp_path / "trial.json").read_text() == "old"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages."""
    pytest.importorskip("mkdocs", reason="needs mkdocs: pip install --group docs")
    directory = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", directory],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return directory


LOADED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch"}


class Reader(html.parser.HTMLParser):
    """Collects what a browser loads by itself, the ids, the links and the text of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.classes: set[str] = set()
        self.words: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.add(values.get("id", ""))
        self.classes |= set(values.get("class", "").split())
        for name in ("src", "srcset", "data", "poster", "style"):
            self.loaded.append(values.get(name, ""))
        if tag == "a":
            self.links.add(values.get("href", ""))
        elif tag != "link" or set(values.get("rel", "").split()) & LOADED_LINKS:
            self.loaded.append(values.get("href", ""))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@cache
def read(page: Path) -> Reader:
    """A built page, read once."""
    return Reader(page)


def test_the_workflow_names_what_is_there() -> None:
    """It has not run yet; at least its files exist, and its Pythons are those of the project."""
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    for job in jobs.values():
        for step in job["steps"]:
            for name in re.findall(r"(?:tests/|\.ci/)[\w./]+", step.get("run", "")):
                assert (ROOT / name).exists(), name
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    for python in jobs["students"]["strategy"]["matrix"]["python"]:
        assert python in allowed


@pytest.mark.slow
@pytest.mark.xdist_group("site")  # built once
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        reader = read(page)
        ours = page.name == "page.html"  # the page in one file
        assert ours or any("stylesheets/main" in url for url in reader.loaded)
        for url in reader.loaded:
            assert not re.search(r"https?:|^//", url), f"{page.name} loads {url}"
        assert "mermaid" not in reader.classes  # for which the theme's script loads a library
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text())


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_each_finding_has_a_page(site: Path) -> None:
    linked = read(site / "findings" / "index.html").links
    for path in EXPLAIN.glob("*.md"):
        assert (site / "findings" / f"{path.stem}.html").exists()
        assert f"{path.stem}.html" in linked


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_each_module_is_in_the_reference(site: Path) -> None:
    for room in ("lstm", "gan", "export", "common"):
        ids = read(site / "api" / f"{room}.html").ids
        modules = {path.stem for path in (ROOT / "toolkit" / room).glob("*.py")} - {"__init__"}
        assert {f"toolkit.{room}.{module}" for module in modules} <= ids


def test_tables_are_as_measured() -> None:
    """Each row in docs/results/ is in a table of the documents, and no other row is."""
    text = (DOCS / "results.md").read_text()
    regions = re.findall(r"^<!-- results: .*? -->$(.*?)^<!-- end -->$", text, re.M | re.S)
    shown = []
    for region in regions:
        shown += region.splitlines()
    measured = []
    for path in (DOCS / "results").glob("*.json"):
        measured += json.loads(path.read_text())["output"]
    assert table_rows(shown) == table_rows(measured)


def table_rows(lines: list[str]) -> list[str]:
    return sorted(line for line in lines if line.startswith("|"))


@pytest.mark.parametrize("page", doc_tables.pages(), ids=lambda page: page.name)
def test_tables_are_up_to_date(page: Path) -> None:
    stale = f"{page} is not up to date: python benchmarks/results.py --tables"
    assert page.read_text() == doc_tables.filled(page), stale


def test_every_measurement_that_is_listed_has_a_result() -> None:
    listed = [shlex.split(command) for command in commands((DOCS / "results.md").read_text())]
    names = {words[2] for words in listed} - {"--tables"}
    assert len(names) > 20
    for name in names:
        assert (DOCS / "results" / f"{name}.json").exists(), name


def test_every_table_is_written() -> None:
    """A pair of comments asks for one; a single comment would stay empty."""
    asked = r"^<!-- (?:results|recipe log|modules|findings)\b"
    for page in PAGES:
        text = page.read_text()
        assert len(re.findall(asked, text, re.M)) == len(doc_tables.REGION.findall(text)), page


def test_a_measurement_names_its_day_and_machine(tmp_path: Path) -> None:
    path = tmp_path / "trial.json"
    measured = {
        "command": "python benchmarks/trial.py",
        "version": "0.1.0",
        "date": "2031-05-06",
        "commit": "0123456789ab",
        "processor": "a fast one",
        "cores": 2,
        "load": "load average 0.3 before the start",
        "torch": "2.13.0",
        "output": ["step 1 of 2", "", *TABLE.splitlines(), "", "of five seeds"],
    }
    path.write_text(json.dumps(measured))
    text = doc_tables.result(path)
    assert text.startswith(TABLE)
    for fact in (
        "2031-05-06",
        "`0123456789ab`",
        "a fast one",
        "2 cores",
        "2.13.0",
        "of five seeds",
    ):
        assert fact in text
    assert "step 1 of 2" not in text
    assert "[Full output](results/trial.json)" in text

    path.write_text(json.dumps({**measured, "commit": None, "date": None}))
    assert "Measured at version 0.1.0" in doc_tables.result(path)
    path.write_text(json.dumps({**measured, "commit": "0123456789ab-dirty"}))
    assert "`0123456789ab` (with uncommitted changes)" in doc_tables.result(path)
