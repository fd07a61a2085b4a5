"""The command line: arguments in, text and exit codes out."""

import sys

from judgekit.cli.app import build
from judgekit.cli.console import ExitCode, visible
from judgekit.errors import InputError, JudgekitError, Stopped


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        build()()
    except Stopped as error:
        _leave(error, ExitCode.INCOMPLETE)
    except JudgekitError as error:
        _leave(error, ExitCode.WRONG)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.GOOD)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


def _leave(error: JudgekitError, code: int) -> None:
    print(f"judgekit: {visible(str(error))}", file=sys.stderr)
    if "--json" in sys.argv:
        from judgekit._json import dumps

        found = error.problems if isinstance(error, InputError) else []
        listed = [{"where": p.where, "line": p.line, "field": p.field, "message": p.message} for p in found]
        print(dumps({"format": 1, "error": str(error), "problems": listed, "exit": int(code)}))
    sys.exit(code)
