"""The command tree, and how every command ends."""

import sys
import traceback
from contextlib import suppress

import typer

from judgekit._json import dumps
from judgekit.cli import calibrate, correct, demo, doctor, grade, init, judges, plan, report, rubric
from judgekit.cli.console import ExitCode, Interrupted, Unwritable, exit_code, failed, put, visible
from judgekit.errors import InputError, JudgekitError, Stopped

# Typer carries a click of its own; this is the root of all it raises about wrong arguments.
_Usage = typer.BadParameter.__mro__[2]

# One line each in the list of commands, which would cut a longer sentence.
SHORT = {
    "init": "Start a project from your logs: outputs to read, a rubric.",
    "grade": "Grade every item of a file.",
    "plan": "Say how many items to label, and draw them.",
    "calibrate": "Hold a judge against human labels; correct its rates.",
    "judges": "Compare judges on the same labels.",
    "correct": "Correct the rates of another batch by a card.",
    "report": "Write a report to read, corrected numbers first.",
    "doctor": "Try a model: what it supports, costs, what failed.",
    "demo": "Run the whole loop on 200 answers made for it.",
    "rubric": "List, show and check rubrics.",
}


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
        (judges, "judges"),
        (correct, "correct"),
        (report, "report"),
        (doctor, "doctor"),
        (demo, "demo"),
    ):
        app.command(name, short_help=SHORT[name])(module.command)
    app.add_typer(rubric.app, name="rubric", short_help=SHORT["rubric"])
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


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code; whatever ends it early is said in one message."""
    as_json = "--json" in arguments
    _write_any_text(as_json)
    try:
        code = _command(arguments)
        # Typer turns an interrupt into this code; a command that tidies up first raises Interrupted.
        return _failed("interrupted", code, as_json) if code == ExitCode.INTERRUPTED else code
    except Interrupted as error:
        return _failed(str(error), error.code, as_json)
    except Stopped as error:
        return _failed(error, ExitCode.INCOMPLETE, as_json)
    except JudgekitError as error:
        return _failed(error, ExitCode.WRONG, as_json)
    except Unwritable as error:
        return _failed(str(error), error.code, False)
    except OSError as error:
        said = error.strerror or str(error)
        named = said if error.filename is None else f"{error.filename}: {said}"
        return _failed(named, exit_code(error), as_json)
    except Exception as error:
        if isinstance(error, _Usage):
            return _misused(error, as_json)
        return _fault(as_json)


def _command(arguments: list[str]) -> int:
    code = typer.main.get_command(build()).main(arguments, prog_name="judgekit", standalone_mode=False)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        failed(error, sys.stdout)
    return int(code or 0)


def _write_any_text(as_json: bool) -> None:
    # A terminal of another encoding shows escapes, rather than ending a command at its last line.
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if as_json:
        with suppress(AttributeError):
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]


def _failed(error: JudgekitError | str, code: int, as_json: bool) -> int:
    put(f"judgekit: {visible(str(error))}", sys.stderr)
    _print_error(error, code, as_json)
    return code


def _misused(error: Exception, as_json: bool) -> int:
    error.show(file=sys.stderr)  # type: ignore[attr-defined]
    _print_error(error.format_message(), ExitCode.WRONG, as_json)  # type: ignore[attr-defined]
    return ExitCode.WRONG


def _fault(as_json: bool) -> int:
    traceback.print_exc()
    said = "this is a fault of judgekit, not of yours; please report it with the lines above"
    return _failed(said, ExitCode.INCOMPLETE, as_json)


def _print_error(error: JudgekitError | str, code: int, as_json: bool) -> None:
    if as_json:
        found = error.problems if isinstance(error, InputError) else []
        listed = [{"where": p.where, "line": p.line, "field": p.field, "message": p.message} for p in found]
        with suppress(Unwritable):  # it stands on stderr
            put(dumps({"format": 1, "error": str(error), "problems": listed, "exit": int(code)}), sys.stdout)
