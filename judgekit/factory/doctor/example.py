"""What a model is tried on: one made-up item with an obvious answer, and a rubric of two criteria.

Together they are longer than 1,024 tokens, because many providers keep no shorter prompt.
"""

from functools import cache

from judgekit.item import Item
from judgekit.rubric import Rubric, rubric_from_dict

EXPECTED = {"answers": "pass", "grounded": "all"}


@cache
def rubric() -> Rubric:
    """Give the rubric: whether the answer answers, and, in levels and with evidence, what it rests on."""
    return rubric_from_dict(
        {
            "name": "doctor-example",
            "version": "1.0.0",
            "purpose": "Tries a model on one item.",
            "inputs": {
                "input": "What a customer of a shop for bicycles asks",
                "context": "The shop's rules on returns",
                "output": "The answer that the customer got",
            },
            "criteria": [
                {
                    "name": "answers",
                    "question": "Does the answer say how many days the customer has?",
                    "scale": "binary",
                    "levels": {"pass": "It gives a number of days", "fail": "It gives none"},
                },
                {
                    "name": "grounded",
                    "question": "How much of what the answer says stands in the rules?",
                    "scale": "ordinal",
                    "levels": [
                        {"label": "none", "score": 0, "description": "Nothing, or the rules say otherwise"},
                        {
                            "label": "some",
                            "score": 0.5,
                            "description": "A part; the rest is not in the rules",
                        },
                        {"label": "all", "score": 1, "description": "All of it"},
                    ],
                    "evidence": "context",
                },
            ],
        },
        "the doctor's rubric",
    )


RULES = """\
1. You may return anything you bought from us within 30 days after it was delivered. The day of the delivery
does not count. You need not say why.
2. What you return must be complete and must not have been ridden further than a test around the block. Mud,
scratches and worn tyres are signs of use. We look at every bicycle that comes back, and tell you within five
working days what we found.
3. Helmets, gloves and other clothes can be returned if their labels are still on them. Inner tubes, chain oil
and other consumables can be returned if the package was never opened.
4. Bicycles that were built to your measures cannot be returned, unless a part is faulty. This also holds for
frames that were painted as you wished, and for wheels that were laced for you.
5. Sending a parcel back is free for you within the country: print the label from your account, under "My
orders", and take the parcel to any post office. For a whole bicycle we send a carrier, who rings you a day
before. From other countries you pay for the way back yourself.
6. You get your money back by the way that you paid, at the latest 14 days after the parcel reached us. If you
paid with a voucher, you get a new voucher. What we charged for express delivery is not paid back.
7. If something is faulty, these rules do not apply. Then you have two years, and we repair or replace the
part, or give you the money back if neither can be done. Keep the bill; a picture of it is enough.
8. An exchange for another size is a return and a new order. We keep the other size for you for a week if you
ask us to, by mail or by telephone, before you send the first one back.
9. In our shops you can return what you bought online, also on Saturdays. Bring the number of the order and
something that shows who you are. Our staff can refuse what is not clean.
10. What you bought before a holiday, from the first of November to the day before Christmas, can be returned
until the end of January, even if more days than usual have gone by."""

ITEM = Item(
    "doctor-example",
    {
        "input": "I got a helmet from you yesterday and it is too small. How long do I have to send it back?",
        "context": RULES,
        "output": "You have 30 days after the delivery. The labels must still be on the helmet.",
    },
)
