"""The command line: arguments in, text and exit codes out."""

import signal
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        # Imported here, so that an interrupt while it loads ends without a traceback.
        from judgekit.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done: Python may leave in peace
    sys.exit(code)
