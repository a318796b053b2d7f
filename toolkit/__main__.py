"""The console script `toolkit`, with commands such as train, check, report, pack, grade and
demo.
"""

import importlib
import sys

try:
    import typer

    from toolkit.assignment.app import app as assignment_app
    from toolkit.common.console import command_group
    from toolkit.common.package_data import package_data
    from toolkit.train.app import app as train_app
except KeyboardInterrupt:  # nothing has begun yet
    sys.exit(130)

app = command_group("LSTM and GAN from scratch: train them, look inside them, hand them in.")
app.add_typer(train_app, name="train")
app.registered_commands += assignment_app.registered_commands
app.registered_groups += assignment_app.registered_groups


demos = typer.Typer(
    no_args_is_help=True, help="Open a demo in your browser: `toolkit demo gan --help`."
)
app.add_typer(demos, name="demo")
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}  # --help as well


@demos.command("gan", add_help_option=False, context_settings=PASSED_ON)
def latent_studio(context: typer.Context) -> None:
    """Latent studio: generate digits, interpolate between two digits, and see how the discriminator
    judges them.
    """
    run_demo("gan", context.args)


@demos.command("digit", add_help_option=False, context_settings=PASSED_ON)
def gate_microscope(context: typer.Context) -> None:
    """Gate microscope: see what an LSTM remembers, digit by digit."""
    run_demo("digit", context.args)


def run_demo(name: str, arguments: list[str]) -> None:
    """Run the demo NAME, as `python demos/NAME_demo.py ARGUMENTS` does."""
    sys.path.insert(0, str(package_data("demos")))
    importlib.import_module(f"{name}_demo").app(arguments, prog_name=f"toolkit demo {name}")


def main() -> None:
    """Run the command line."""
    app(prog_name="toolkit")


if __name__ == "__main__":
    main()
