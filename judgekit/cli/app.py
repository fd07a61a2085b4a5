"""The command tree."""

import typer

from judgekit.cli import calibrate, correct, demo, grade, init, plan, report, rubric


def build() -> typer.Typer:
    """Assemble the commands; each module holds one."""
    app = typer.Typer(
        name="judgekit",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Grade the outputs of language-model products with rubric-defined judges, and measure whether "
        "those judges may be believed.",
        epilog="Exit codes: 0 done and good, 1 the finding is bad, 2 wrong usage or input, 3 incomplete (run "
        "it again), 4 not enough evidence to decide, 130/143 interrupted.",
    )
    app.callback()(_root)
    for module, name in (
        (init, "init"),
        (grade, "grade"),
        (plan, "plan"),
        (calibrate, "calibrate"),
        (correct, "correct"),
        (report, "report"),
        (demo, "demo"),
    ):
        app.command(name)(module.command)
    app.add_typer(rubric.app, name="rubric")
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("judgekit-calibrated"))
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass
