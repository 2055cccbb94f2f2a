"""What the embedded platform remembers instead of working it out again is what would have come out; what functions had
in hand when it was killed comes again within a minute."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def told(code: str) -> str:
    """The last line that a process with MiniStack in it prints."""
    start = "import os; os.environ['GATEWAY_PORT'] = '1'\n"
    command = [sys.executable, "-c", start + textwrap.dedent(code)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_what_is_remembered_is_what_comes_out() -> None:
    assert (
        told("""
        from infra.embedded import speed
        from ministack.services import dynamodb as tables
        texts = ["#0 = :0 AND #1 <= :1", "attribute_not_exists(pk)", "a = = b", "((a = b))", "12.50", "-0", "1e3", ""]
        calls = {name: (("ConditionExpression",) if name == "_condition_syntax_error" else ())
                 for name in (*speed.REMEMBERED, "_tokenize")}
        ask = lambda: [repr(getattr(tables, name)(text, *more)) for name, more in calls.items() for text in texts]
        before = ask()
        speed.hasten()
        assert ask() == before and ask() == before
        tables._tokenize("a = b").clear()
        assert len(tables._tokenize("a = b")) == 4
        assert tables._number_error(7) == tables._number_error.__wrapped__(7)
        print("same")
    """)
        == "same"
    )


def test_a_message_in_hand_comes_again_after_a_minute_and_one_that_waits_stays_where_it_is() -> None:
    assert (
        told("""
        from infra.embedded import snapshot
        from ministack.services import sqs
        held, soon, waiting = ({"receive_count": n, "visible_at": at} for n, at in ((1, 900.0), (1, 30.0), (0, 900.0)))
        sqs._queues["q"] = {"messages": [held, soon, waiting]}
        snapshot._give_back(60.0)
        print([each["visible_at"] for each in (held, soon, waiting)])
    """)
        == "[60.0, 30.0, 900.0]"
    )
