"""``judgekit grade --dry-run``: what would be sent, how much of it, and what that costs."""

from judgekit.batch import Options
from judgekit.cli.console import Console, duration, money
from judgekit.files.items import ItemFile
from judgekit.grader import BaseGrader
from judgekit.judges import Judge

# Four characters a token holds for English within a third; the reply is a sentence or two a criterion.
CHARS_PER_TOKEN = 4
REPLY_TOKENS = 80
SECONDS_A_CALL = 2.0


def show(
    console: Console,
    grader: BaseGrader,
    items: ItemFile,
    options: Options,
    where: str,
    price: tuple[float, float] | None,
) -> None:
    """Print the first prompt and the sums, and send nothing."""
    total = items.check().count
    rows = min(total, options.limit or options.sample or total)
    if not isinstance(grader, Judge):
        text = f"{grader.name} asks no model: {rows:,} items, no tokens, $0.00, {where}."
        console.result(text, {"rows": rows, "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0})
        return
    request = grader.template.request(next(iter(items)).item)
    prompt = "\n\n".join(f"--- {turn.role} ---\n{turn.content}" for turn in request.messages)
    sizes = (len("".join(turn.content for turn in grader.template.request(r.item).messages)) for r in items)
    mean = sum(sizes) / total / CHARS_PER_TOKEN
    tokens_in, tokens_out = int(rows * mean), rows * REPLY_TOKENS * len(grader.rubric.criteria)
    cost = None if price is None else (tokens_in * price[0] + tokens_out * price[1]) / 1e6
    seconds = rows * SECONDS_A_CALL / options.concurrency
    said = (
        f"{prompt}\n\n--- the run ---\n"
        f"{rows:,} of {total:,} items with {grader.signature}; {where}\n"
        f"about {tokens_in:,} tokens in and {tokens_out:,} out (four characters a token), {money(cost)}"
        f"{'' if cost is not None else ' (state --price IN,OUT)'}, about {duration(seconds)} if a call takes "
        f"{SECONDS_A_CALL:g} s. Nothing was sent."
    )
    data = {"rows": rows, "input_tokens": tokens_in, "output_tokens": tokens_out, "cost_usd": cost}
    console.result(said, data | {"destination": grader.destination, "seconds": seconds, "prompt": prompt})
