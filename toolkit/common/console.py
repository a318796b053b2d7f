"""Error handling and other functions that the toolkit's command-line programs share."""

import contextlib
import functools
import gc
import io
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from toolkit.common.errors import ToolkitError, is_out_of_memory

Function = TypeVar("Function", bound=Callable[..., None])
# The error for a wrong option or command, a class that not every version of typer exports.
Mistyped = cast(type[typer.BadParameter], typer.BadParameter.__base__)
# The number of new objects after which Python looks for garbage. Importing torch makes a million
# objects that stay, and takes a third longer with Python's default of 700.
GARBAGE = 50_000
TRAINING_DEFAULTS = {"preset": "default", "runs_dir": Path("runs"), "device": "auto"}


class Command(TyperCommand):
    """The command class for a program with a single command; unlike typer's own class, it reports
    mistyped arguments with `_answer`.
    """

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        _answer(super().main, *args, **kwargs)


class Commands(TyperGroup):
    """The class that typer uses for a program with several commands; it leaves the reporting of
    mistyped arguments to `_answer`.
    """

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        _answer(super().main, *args, **kwargs)


def command_group(help_text: str, first: Callable[[], None] | None = None) -> typer.Typer:
    """Return a typer app to which commands can be added; `first` is called before each command."""
    return typer.Typer(
        cls=Commands,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        help=help_text,
        callback=first,
    )


def _answer(main: Callable[..., Any], *args: Any, **kwargs: Any) -> NoReturn:
    """Run a command-line program by calling `main`; report a mistyped argument in one plain
    sentence instead of in the framed message that typer prints.
    """
    gc.set_threshold(GARBAGE)
    try:
        code = main(*args, standalone_mode=False, **kwargs)
    except Mistyped as error:
        if message := " ".join(error.format_message().split()):  # empty if typer shows the help
            where = f" See `{error.ctx.command_path} --help`." if error.ctx else ""
            message = message.replace("Value error, ", "").rstrip(".")  # pydantic's prefix
            end = "" if message.endswith("?") else "."
            print(f"Error: {message}{end}{where}", file=sys.stderr)
        code = error.exit_code
    except typer.Abort:  # Ctrl+C in answer to a question
        code = 130
    sys.exit(code)


def reports_errors(command: Function) -> Function:
    """Decorate a command so that, after a user's mistake, it prints one sentence instead of a
    traceback.

    The sentence is printed on standard error. The exit code is the error's `exit_code` (1 or 2). If
    memory runs out or a file cannot be used, the exit code is 1. After Ctrl-C, SIGTERM or SIGHUP,
    the exit code is 130. Any other exception is a bug and keeps its traceback.
    """

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        _prepare_output()
        try:
            with _signals_as_interrupts():
                command(*args, **kwargs)
        except ToolkitError as error:
            print(f"Error: {error.in_command}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            print("Error: out of memory. Choose smaller sizes.", file=sys.stderr)
            raise typer.Exit(1) from error
        except BrokenPipeError as error:  # such as after `| head` has ended
            sys.stdout = _nowhere()
            raise typer.Exit(1) from error
        except OSError as error:  # such as a file that was deleted meanwhile
            where = f"{error.filename}: " if error.filename else ""
            print(f"Error: {where}{error.strerror or error}.", file=sys.stderr)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            print(
                "Interrupted. Run the same command again, without --restart, to continue.",
                file=sys.stderr,
            )
            raise typer.Exit(130) from error

    return wrapper  # type: ignore[return-value]


def can_ask() -> bool:
    """Return True if the program can ask the user questions: it runs in a terminal and was not
    started from a notebook.
    """
    return sys.stdin.isatty() and "JPY_PARENT_PID" not in os.environ


def _prepare_output() -> None:
    """Prepare the output streams and Matplotlib for a command.

    Characters that the console cannot show are printed as escape sequences, text for a closed
    stream is discarded, and Matplotlib draws only to files.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the command
            setattr(sys, name, _nowhere())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path that the console cannot show
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its cache may be unwritable


def _nowhere() -> TextIO:
    """Return a stream that discards all text, to replace a closed stream."""
    return open(os.devnull, "w", encoding="utf-8")


@contextlib.contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Make SIGTERM and SIGHUP act like Ctrl-C in the `with` block.

    If the process already ignores one of these signals, the signal is still ignored in the block.
    """
    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        signals = []  # only the main thread can handle signals
    before = {s: h for s in signals if (h := signal.getsignal(s)) != signal.SIG_IGN}
    for ending in before:
        signal.signal(ending, signal.default_int_handler)
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def training_command(*words: str, **options: object) -> str:
    """Return a `python -m toolkit.train` command, with its options, as one line for this system's
    shell.

    Args:
        words: the command and its own options, e.g. "lstm", "--length", "20".
        options: options that all commands share, e.g. `preset`; options that are None or have their
            default value are left out.
    """
    given = {
        key: value
        for key, value in options.items()
        if value is not None and value != TRAINING_DEFAULTS.get(key)
    }
    return command_line("python", "-m", "toolkit.train", *words, *as_options(given))


def command_line(*words: str) -> str:
    """Return a command as one line for this system's shell, with quotes where they are needed."""
    join = subprocess.list2cmdline if sys.platform == "win32" else shlex.join
    return join(words).encode(errors="surrogateescape").decode(errors="replace")  # any path as text


def as_options(settings: Mapping[str, object]) -> list[str]:
    """Return settings as command-line options.

    For example, batch_size=64 becomes "--batch-size", "64", and fast=False becomes "--no-fast".
    """
    words = []
    for key, value in settings.items():
        name = key.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}", str(value)]
    return words
