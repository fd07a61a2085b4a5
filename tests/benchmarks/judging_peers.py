"""The clients of the benchmark of judging: one of them, in a process and a virtual environment of its own.

    python tests/benchmarks/judging_peers.py NAME http://127.0.0.1:PORT/SHAPE/MS/v1 AT_ONCE VERDICTS

Each client is a function that takes the address of the server and gives another, which grades one pair of
input and output and returns the answer; a wrong answer ends the run. What a peer needs is imported in its
function.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

Grade = Callable[[str, str], Awaitable[Any]]

KEY = "sk-proj-" + "Ab3dEf6hIj9k" * 13  # as long as OpenAI's
MODEL = "gpt-4.1-mini"
QUESTIONS = {
    "accurate": ("Does everything that the output states agree with the input?", ("yes", "no")),
    "complete": ("Does the output answer all that the input asks?", ("no", "partly", "yes")),
    "polite": ("Would a customer call the tone of the output polite?", ("yes", "no")),
}
RUBRIC = "\n".join(f"{name}: {asked} Labels: {', '.join(of)}." for name, (asked, of) in QUESTIONS.items())
TASK = f"Grade the output by these questions. First explain, then choose a label.\n{RUBRIC}"
RIGHT = {"accurate": "yes", "complete": "partly", "polite": "yes"}
# About 1 kB, with what JSON has to escape; two of them are an item.
TEXT = (
    'Hello,\nI bought the "Nordlicht" lamp on 3 March (order 58-1124) and sent it back on the 11th.\n'
    "Your page says that a refund takes three to five working days; it is now the 24th. Could you tell me\n"
    "- whether the parcel has reached you,\n- which sum you will return, and to which account,\n"
    "- and on what day I may expect it?\nKind regards, Zoë\n\n"
) * 3


def judgekit(base_url: str) -> Grade:
    """A judge as of ``jk.judge``: three criteria, one call."""
    import judgekit as jk

    os.environ["BENCHMARK_KEY"] = KEY
    criteria: list[dict[str, Any]] = [
        {"name": name, "question": asked, "scale": "binary", "levels": dict.fromkeys(labels)}
        for name, (asked, labels) in QUESTIONS.items()
    ]
    scores = enumerate(QUESTIONS["complete"][1])
    levels = [{"label": label, "score": rank / 2} for rank, label in scores]
    criteria[1] |= {"scale": "ordinal", "levels": levels, "pass_at": "yes"}
    rubric = {
        "name": "support-reply",
        "version": "1.0.0",
        "purpose": "Replies that settle what the customer asked.",
        "inputs": {"input": "The customer's message", "output": "The reply"},
        "criteria": criteria,
        "threshold": 0.7,
    }
    judge = jk.judge(rubric, f"openai/{MODEL}", base_url=base_url, api_key_env="BENCHMARK_KEY")

    async def grade(given: str, output: str) -> Any:
        verdict = await judge.agrade(input=given, output=output)
        return {name: finding.label for name, finding in verdict.criteria.items()}

    return grade


def by_hand(base_url: str) -> Grade:
    """The least that does it, with aiohttp: three criteria, one call, labels checked, nothing retried."""
    import aiohttp

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), headers={"Authorization": f"Bearer {KEY}"}
    )
    answers = {
        name: {
            "type": "object",
            "properties": {
                "explanation": {"type": "string"},
                "label": {"type": "string", "enum": list(labels)},
            },
            "required": ["explanation", "label"],
            "additionalProperties": False,
        }
        for name, (_, labels) in QUESTIONS.items()
    }
    schema = {
        "type": "object",
        "properties": answers,
        "required": list(answers),
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}

    async def grade(given: str, output: str) -> Any:
        messages = [
            {"role": "system", "content": TASK},
            {"role": "user", "content": f"Input\n{given}\n\nOutput\n{output}"},
        ]
        body = {"model": MODEL, "messages": messages, "temperature": 0, "response_format": form}
        async with session.post(f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            whole = json.loads(await response.read())
        verdict = json.loads(whole["choices"][0]["message"]["content"])
        found = {}
        for name, (_, labels) in QUESTIONS.items():
            label = verdict[name]["label"]
            if label not in labels or not verdict[name]["explanation"]:
                raise ValueError(f"{name}: {label}")
            found[name] = label
        return found

    return grade


def instructor(base_url: str) -> Grade:
    """litellm with instructor around it and a pydantic model for the answer: three criteria, one call."""
    from typing import Literal

    import instructor as library
    import litellm
    from pydantic import BaseModel, create_model

    def answer(labels: tuple[str, ...]) -> type[BaseModel]:
        return create_model("Answer", explanation=(str, ...), label=(Literal[labels], ...))

    shape = create_model("Verdict", **{name: (answer(of), ...) for name, (_, of) in QUESTIONS.items()})
    client = library.from_litellm(litellm.acompletion)

    async def grade(given: str, output: str) -> Any:
        messages = [
            {"role": "system", "content": TASK},
            {"role": "user", "content": f"Input\n{given}\n\nOutput\n{output}"},
        ]
        found = await client.chat.completions.create(
            model=f"openai/{MODEL}",
            api_base=base_url,
            api_key=KEY,
            messages=messages,
            response_model=shape,
            temperature=0,
        )
        return {name: getattr(found, name).label for name in QUESTIONS}

    return grade


def autoevals(base_url: str) -> Grade:
    """``LLMClassifier`` with reasoning: one label a call."""
    from autoevals import LLMClassifier
    from autoevals.oai import LLMClient
    from openai import AsyncOpenAI

    client = LLMClient(AsyncOpenAI(base_url=base_url, api_key=KEY), is_async=True)
    template = f"{TASK}\n\nInput\n{{{{input}}}}\n\nOutput\n{{{{output}}}}"
    scorer = LLMClassifier(
        "support-reply", template, {"yes": 1, "no": 0}, model=MODEL, use_cot=True, client=client
    )

    async def grade(given: str, output: str) -> Any:
        return (await scorer.eval_async(output=output, input=given)).metadata["choice"]

    return grade


def openevals(base_url: str) -> Grade:
    """``create_async_llm_as_judge`` on OpenAI's own client: one score a call."""
    from openai import AsyncOpenAI
    from openevals.llm import create_async_llm_as_judge

    scorer = create_async_llm_as_judge(
        prompt=f"{TASK}\n\nInput\n{{inputs}}\n\nOutput\n{{outputs}}",
        judge=AsyncOpenAI(base_url=base_url, api_key=KEY),
        model=MODEL,
        choices=[0.0, 0.5, 1.0],
    )

    async def grade(given: str, output: str) -> Any:
        return (await scorer(inputs=given, outputs=output))["score"]

    return grade


def deepeval(base_url: str) -> Grade:
    """``GEval`` with its steps given, which spares it a call: one score a call."""
    from deepeval.metrics import GEval
    from deepeval.models import OpenAIModel
    from deepeval.test_case import LLMTestCase, SingleTurnParams

    model = OpenAIModel(model=MODEL, base_url=base_url, api_key=KEY)
    seen = [SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT]

    async def grade(given: str, output: str) -> Any:
        # A metric holds the state of its one case, so that cases at once need one each.
        metric = GEval("support-reply", seen, evaluation_steps=TASK.splitlines(), model=model)
        return await metric.a_measure(LLMTestCase(input=given, actual_output=output), _show_indicator=False)

    return grade


# Of each client the function, the answer it has to give, the shape in which the server gives it, and how many
# calls answer three criteria: who gives one label or score a call makes one for each.
CLIENTS: dict[str, tuple[Callable[[str], Grade], Any, str, int]] = {
    "by hand": (by_hand, RIGHT, "rubric", 1),
    "judgekit": (judgekit, RIGHT, "rubric", 1),
    "instructor": (instructor, RIGHT, "rubric", 1),
    "autoevals": (autoevals, "yes", "choice", len(QUESTIONS)),
    "openevals": (openevals, 1.0, "score", len(QUESTIONS)),
    "deepeval": (deepeval, 1.0, "reason", len(QUESTIONS)),
}


def for_each(grade: Grade, right: Any, calls: int) -> Grade:
    """Ask once for each criterion, at once."""

    async def graded(given: str, output: str) -> Any:
        found = await asyncio.gather(*(grade(given, output) for _ in range(calls)))
        return right if all(one == right for one in found) else found

    return graded


async def grade_all(grade: Grade, right: Any, at_once: int, verdicts: int) -> None:
    """Grade so many items that all differ, `at_once` of them at any time."""
    numbers = iter(range(verdicts))

    async def work() -> None:
        for number in numbers:
            found = await grade(f"Message {number}. {TEXT}", f"Reply to {number}. {TEXT}")
            if found != right:
                raise ValueError(f"the answer is {found!r}, not {right!r}")

    await asyncio.gather(*(work() for _ in range(at_once)))


async def main(name: str, base_url: str, at_once: int, verdicts: int) -> None:
    """Print milliseconds of CPU a verdict, and verdicts a second, after two waves to warm up."""
    make, right, _, calls = CLIENTS[name]
    grade = make(base_url) if calls == 1 else for_each(make(base_url), right, calls)
    await grade_all(grade, right, at_once, 2 * at_once)
    cpu, clock = time.process_time(), time.perf_counter()
    await grade_all(grade, right, at_once, verdicts)
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    print(json.dumps({"cpu_ms": cpu / verdicts * 1e3, "rate": verdicts / clock}))
    sys.stdout.flush()
    os._exit(0)  # connections need no goodbye, and some peers would say theirs at length


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:5])))
