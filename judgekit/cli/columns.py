"""How ``--id``, ``--map`` and ``--set`` say where the fields of a rubric are."""

from difflib import get_close_matches
from pathlib import Path

from judgekit.errors import UsageError
from judgekit.files.items import Columns
from judgekit.rubric import Rubric


def read_columns(rubric: Rubric, identity: str | None, renames: list[str], constants: list[str]) -> Columns:
    """Read the three options.

    Raises
    ------
    UsageError
        For a field that the rubric does not have, or a file that cannot be read.
    """
    mapping = dict(_pair(rubric, text, "--map") for text in renames)
    fixed = {name: _content(text) for name, text in (_pair(rubric, text, "--set") for text in constants)}
    return Columns(identity, mapping, fixed)


def _pair(rubric: Rubric, text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise UsageError(f"{option} {text!r}: write FIELD=VALUE")
    if name not in rubric.inputs:
        close = get_close_matches(name, rubric.inputs, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            f"{option} {text!r}: {name!r} is no field of {rubric.name} ({', '.join(rubric.inputs)}){hint}"
        )
    return name, value


def _content(value: str) -> str:
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"--set: {value[1:]} cannot be read: {error.strerror}; after the @ stands a text file"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"--set: {value[1:]} is not UTF-8 text; save it as UTF-8") from None
