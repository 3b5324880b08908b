"""Damages JSON and YAML where it means something: values, keys and lists at any place of a valid document."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    Path = tuple[str | int, ...]


class Raw(str):
    """Text that stands in a document as it is, since no value is written like it."""

    __slots__ = ()


DEEP = 600
"""Lists or objects in each other: more than Python's recursion takes."""
NASTY: tuple[Any, ...] = (
    *(None, True, False, "", [], {}, [[]], [None], {"": None}, [{}], {"file": "../x"}, {"file": ""}),
    *(0, 1, -1, 0.5, -0.0, 1e-320, -1e300, 1e308, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 10**400),
    *(Raw("1e999"), Raw("-1e999"), Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw('"\\ud800"'), Raw('"\\udfff"')),
    *(Raw("[" * DEEP + "]" * DEEP), Raw('{"a":' * DEEP + "1" + "}" * DEEP), Raw("[" * 100_000), Raw("01"), Raw("")),
    *(Raw('{"a": 1, "a": 2}'), Raw('{"\\ud800": 1}'), Raw('"a'), Raw("1_0"), Raw("9" * 5000), Raw("0." + "3" * 5000)),
    *("\x1b[31mred\x07", "\x9b31m", "\u202e", "a\x00b", "a\nb", "a\r\nerror: false", "\x7f", "\t", "<script>", "=1+1"),
    *("../../../../tmp/escape", "/etc/passwd", "/dev/zero", "/proc/self/mem", "..", ".", "~", "a/b", "C:\\x", "a//b"),
    *("A" * 300, "é" * 5000, "z" * 70_000, "x/" * 3000, "1", "true", "null", "猫", "e\u0301", "%s", "{0}", "${HOME}"),
    *([0] * 1000, ["a"] * 1000, [[1.0] * 50] * 50, {f"k{at}": at for at in range(1000)}, [[1, 2], [3]], ["a", 1, None]),
)
"""Values that a careless reader takes for something else."""
YAML = (
    *("!!timestamp x", '!!int ""', "!!float x", "!!binary x", "!!set {a}", "!!omap [a]", "!!pairs [a]", "!!null x"),
    *("!!python/object/apply:os.system [x]", "!!python/name:os.system", "!unknown x", "!!str", "!!bool x", "!!map []"),
    *("2024-99-99", "2001-12-14t21:59:43.10-05:00", "0x", "0b", "0o9", "1_0", "1:60:60", ".nan", "-.inf", ".inf", "~"),
    *("&a [*a]", "*a", "{<<: {a: 1}}", "{<<: x}", "{? [a]: b}", "{[a]: b}", "{{a: 1}: b}", "|\n  x", ">\n  x", "- x"),
    *(
        "[" * DEEP + "]" * DEEP,
        "{a: " * 30 + "1" + "}" * 30,
        "%YAML 9.9",
        "---\n...\n---",
        "@",
        "`",
        "\t",
        "? ",
        "9" * 5000,
    ),
)
"""What only YAML reads."""
ROUNDS = (1, 1, 1, 2, 4)
KEY = re.compile(r'"(?:[^"\\]|\\.)*"\s*:')


def dumped(value: Any) -> str:
    """Return a document as JSON; ``Raw`` text stands as it is."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {dumped(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumped, value)) + "]"
    return json.dumps(value)


def damaged(text: str, random: Random, others: tuple[str, ...] = (), nasty: tuple[Any, ...] = NASTY) -> bytes:
    """Return a document with damage: mostly to its values, sometimes to its bytes as well.

    :param text: Valid JSON.
    :param others: Further valid documents, parts of which may get in.
    :param nasty: Values to put in.
    """
    if random.random() < 0.12:
        return mutations.mutated(text.encode(), random, [other.encode() for other in others])
    document: list[Any] = [json.loads(text)]
    for _ in range(random.choice(ROUNDS)):
        _change(document, random, nasty)
    found = dumped(document[0])
    if random.random() < 0.05:
        found = _repeated_key(found, random)
    if random.random() < 0.04:
        return mutations.mutated(found.encode(errors="surrogatepass"), random)
    return found.encode(errors="surrogatepass")


def yaml(text: str, random: Random) -> bytes:
    """Return damaged YAML, of a document that is JSON and so YAML as well."""
    tags = tuple(map(Raw, YAML))
    content = damaged(text, random, nasty=(*NASTY, *tags, *tags))
    if random.random() < 0.3:
        lines = [f"{key}: {dumped(each)}" for key, each in json.loads(text).items()]
        lines[random.randrange(len(lines))] = (
            f"{random.choice(('a', '? [a]', '!!binary x', '<<'))}: {random.choice(YAML)}"
        )
        content = "\n".join(lines).encode()
    return content


def _change(document: list[Any], random: Random, nasty: tuple[Any, ...]) -> None:
    """Change a value somewhere in a document, which is the only item of the list."""
    places = list(_places(document, ()))
    place = random.choice(places)
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key]
    random.choice(_CHANGES)(holder, place[-1], random, nasty)


def _places(value: Any, before: Path) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*before, key)
        yield from _places(each, (*before, key))


def _replace(holder: Any, key: Any, random: Random, nasty: tuple[Any, ...]) -> None:
    holder[key] = copy.deepcopy(random.choice(nasty))  # what is put in may be changed next


def _near(holder: Any, key: Any, random: Random, nasty: tuple[Any, ...]) -> None:
    """Change a value into one that is much like it."""
    value = holder[key]
    if isinstance(value, bool) or value is None:
        holder[key] = random.choice((0, 1, "true", not value))
    elif isinstance(value, (int, float)):
        holder[key] = random.choice((value + 1, value - 1, -value, value * 1000, str(value), [value]))
    elif isinstance(value, str):
        text = mutations.mutated(value.encode(), random).decode(errors="replace")
        holder[key] = random.choice((text, text, value * 2, value.upper(), [value], {"file": value}))
    else:
        _replace(holder, key, random, nasty)


def _delete(holder: Any, key: Any, random: Random, nasty: tuple[Any, ...]) -> None:
    if len(holder) > 1 or isinstance(holder, dict):
        del holder[key]


def _copy(holder: Any, key: Any, random: Random, nasty: tuple[Any, ...]) -> None:
    """Put a sibling's value in the place."""
    others = list(holder.values()) if isinstance(holder, dict) else holder
    holder[key] = json.loads(json.dumps(random.choice(others), default=str)) if not _raw(others) else None


def _raw(values: Any) -> bool:
    return "Raw" in {type(each).__name__ for each in values}


def _repeat(holder: Any, key: Any, random: Random, nasty: tuple[Any, ...]) -> None:
    value = holder[key]
    if isinstance(holder, list):
        holder[key:key] = [value] * random.choice((1, 1, 2, 100))
    else:
        holder[random.choice(("", "a", f"{key}2", "\x1b[31m", "x" * 70_000, f"{key}".upper()))] = value


def _rename(holder: Any, key: Any, random: Random, nasty: tuple[Any, ...]) -> None:
    if isinstance(holder, dict):
        name = random.choice(("", f"{key} ", str(key)[:-1], "\x1b[31m\x07", "../x", "a\x00", "__class__", "é" * 300))
        holder[name] = holder.pop(key)


def _wrap(holder: Any, key: Any, random: Random, nasty: tuple[Any, ...]) -> None:
    value = holder[key]
    inner = (
        next(iter(value.values() if isinstance(value, dict) else value), None)
        if value and isinstance(value, (dict, list))
        else value
    )
    holder[key] = random.choice(([value], {"a": value}, inner))


_CHANGES: tuple[Callable[[Any, Any, Random, tuple[Any, ...]], None], ...] = (
    *(_replace, _replace, _replace, _replace, _near, _near, _near),
    *(_delete, _copy, _repeat, _rename, _wrap),
)


def _repeated_key(text: str, random: Random) -> str:
    """Return a document in which an object has one of its keys twice."""
    found = list(KEY.finditer(text))
    if not found:
        return text
    place = random.choice(found)
    return f"{text[: place.start()]}{place.group()} {dumped(random.choice(NASTY[:12]))}, {text[place.start() :]}"
