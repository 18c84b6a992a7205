"""What is fuzzed: a parser, what it is fed, and what it may say."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from fuzz.mutate import Mutate


class Finding(Exception):
    """An input did what none may do; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """Something that reads what others write."""

    name: str
    samples: Sequence[bytes]
    """Ordinary inputs; all of them are accepted."""
    mutate: Mutate
    feed: Callable[[bytes], object]
    """Reads one input. Raises one of ``declared``, or returns; anything else is a finding."""
    declared: tuple[type[Exception], ...] = ()

    def made(self, seed: str) -> bytes:
        """The input of a seed."""
        return self.mutate(self.samples, Random(seed))

    def wrong(self, data: bytes) -> str:
        """What is wrong with how the input is read; empty when nothing is."""
        try:
            self.feed(data)
        except self.declared:
            return ""
        except Finding as found:
            return str(found)
        except Exception as error:
            return "".join(traceback.format_exception(error, limit=-6))
        return ""


def kind_of(wrong: str) -> str:
    """What tells one finding from another: its last line without values, and where it was raised."""
    lines = [line.strip() for line in wrong.strip().splitlines()]
    places = [line for line in lines if line.startswith("File ")]
    return f"{lines[-1].partition(':')[0][:100]} {places[-1] if places else ''}"
