"""The JSON Schema keywords of ``lpbench.util.schema``, each with a function that compiles it into a check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from lpbench.errors import nearest
from lpbench.util.problems import Problem, path_text, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Sized

    Path = tuple[str | int, ...]
    Check = Callable[[Any, Path, list[Problem]], None]
    """Appends the problems of a value at a path to a list."""
    Maker = Callable[["Compiler", Mapping[str, Any], str], Check]
    """Compiles one keyword of a schema, given the schema and its place, into a check."""

WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class Compiler(Protocol):
    """Compiles schemas into checks."""

    def check(self, schema: Any, place: str) -> Check:
        """Return the check of one schema."""

    def refer(self, reference: str, place: str) -> Check:
        """Return the check of a schema by its reference."""


def anything(value: Any, path: Path, problems: list[Problem]) -> None:
    """Accept every value."""


def nothing(value: Any, path: Path, problems: list[Problem]) -> None:
    """Refuse every value."""
    problems.append(Problem(path_text(path), f"found {show(value)}", "no value is allowed here"))


def _test(passes: Callable[[Any], bool], right: str) -> Check:
    """Return a check of one property of a value."""

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        if not passes(value):
            problems.append(Problem(path_text(path), f"found {show(value)}", right))

    return check


def _remedy(schema: Mapping[str, Any], expected: str) -> str:
    """Return the remedy: what the rule expects, and the schema's description of the value."""
    meaning = schema.get("description", "")
    return f"expected {expected}: {meaning[:1].lower()}{meaning[1:].rstrip('.')}" if meaning else f"expected {expected}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value == value // 1,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def _same(left: Any, right: Any) -> bool:
    """Compare as JSON does: 1 equals 1.0 but not true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(left == right)


def _type(_: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if unknown := [name for name in names if name not in TYPES]:
        raise ValueError(f"schema {place}: unknown type {unknown[0]!r}")
    right = _remedy(schema, " or ".join(WORDS[name] for name in names))
    tests = [TYPES[name] for name in names]
    if len(tests) == 1:
        return _test(tests[0], right)
    return _test(lambda value: any(test(value) for test in tests), right)


def _enum(_: Compiler, schema: Mapping[str, Any], __: str) -> Check:
    allowed = schema["enum"]
    names = [choice for choice in allowed if isinstance(choice, str)]

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        if not any(_same(value, choice) for choice in allowed):
            right = nearest(value, names) if isinstance(value, str) and names else f"expected {_list(allowed)}"
            problems.append(Problem(path_text(path), f"found {show(value)}", right))

    return check


def _const(_: Compiler, schema: Mapping[str, Any], __: str) -> Check:
    return _test(lambda value: _same(value, schema["const"]), _remedy(schema, show(schema["const"])))


def _list(values: Iterable[Any]) -> str:
    return " or ".join(map(show, values))


def _properties(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    checks = {name: compiler.check(inner, f"{place}/{name}") for name, inner in schema["properties"].items()}

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        if isinstance(value, dict):
            for name, inner in checks.items():
                if name in value:
                    inner(value[name], (*path, name), problems)

    return check


def _pattern_properties(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    patterns = schema["patternProperties"].items()
    checks = [(re.compile(pattern), compiler.check(inner, f"{place}/{pattern}")) for pattern, inner in patterns]

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        for name in value if isinstance(value, dict) else ():
            for pattern, inner in checks:
                if pattern.search(name):
                    inner(value[name], (*path, name), problems)

    return check


def _additional_properties(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    names = schema.get("properties", {}).keys()
    patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
    rule = schema["additionalProperties"]
    inner = _unknown_key(names) if rule is False else compiler.check(rule, f"{place}/additionalProperties")

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        for name in value if isinstance(value, dict) else ():
            if name not in names and not any(pattern.search(name) for pattern in patterns):
                inner(value[name], (*path, name), problems)

    return check


def _unknown_key(names: Iterable[str]) -> Check:
    def check(_: Any, path: Path, problems: list[Problem]) -> None:
        name = str(path[-1])
        problems.append(Problem(path_text(path[:-1]), f"unknown key {show(name)}", nearest(name, names)))

    return check


def _required(_: Compiler, schema: Mapping[str, Any], __: str) -> Check:
    meanings = {name: schema.get("properties", {}).get(name, {}) for name in schema["required"]}

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        for name, meaning in meanings.items() if isinstance(value, dict) else ():
            if name not in value:
                right = f"add it: {meaning.get('description', '')}" if isinstance(meaning, dict) else ""
                problems.append(Problem(path_text(path), f"missing key {show(name)}", right.rstrip(": ")))

    return check


def _items(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    inner = compiler.check(schema["items"], f"{place}/items")
    first = len(schema.get("prefixItems", ()))

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        if isinstance(value, list):
            for at in range(first, len(value)):
                inner(value[at], (*path, at), problems)

    return check


def _prefix_items(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    checks = [compiler.check(inner, f"{place}/prefixItems/{at}") for at, inner in enumerate(schema["prefixItems"])]

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        for at, (inner, item) in enumerate(zip(checks, value if isinstance(value, list) else (), strict=False)):
            inner(item, (*path, at), problems)

    return check


def _length(keyword: str, kind: type[Sized], passes: Callable[[int, int], bool], expected: str) -> Maker:
    """Return a function that compiles a rule on the length of a value of ``kind``."""

    def make(_: Compiler, schema: Mapping[str, Any], __: str) -> Check:
        bound = schema[keyword]
        right = _remedy(schema, expected.format(bound))
        return _test(lambda value: not isinstance(value, kind) or passes(len(value), bound), right)

    return make


def _bound(keyword: str, passes: Callable[[float, float], bool], expected: str) -> Maker:
    """Return a function that compiles a rule on the size of a number."""

    def make(_: Compiler, schema: Mapping[str, Any], __: str) -> Check:
        bound = schema[keyword]
        right = _remedy(schema, expected.format(bound))
        return _test(lambda value: not _is_number(value) or passes(value, bound), right)

    return make


def _pattern(_: Compiler, schema: Mapping[str, Any], __: str) -> Check:
    pattern = re.compile(re.sub(r"\$\Z", r"\\Z", schema["pattern"]))  # Python's $ also stands before a last line end
    right = _remedy(schema, f"text that matches {schema['pattern']}")
    return _test(lambda value: not isinstance(value, str) or pattern.search(value) is not None, right)


def _ref(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    return compiler.refer(schema["$ref"], place)


def _branches(compiler: Compiler, schema: Mapping[str, Any], place: str, keyword: str) -> Callable[..., Any]:
    """Return a function that returns, for each branch of a keyword, the problems of a value."""
    checks = [compiler.check(inner, f"{place}/{keyword}/{at}") for at, inner in enumerate(schema[keyword])]

    def evaluate(value: Any, path: Path) -> list[list[Problem]]:
        by_branch: list[list[Problem]] = [[] for _ in checks]
        for check, problems in zip(checks, by_branch, strict=True):
            check(value, path, problems)
        return by_branch

    return evaluate


def _any_of(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    evaluate = _branches(compiler, schema, place, "anyOf")

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        by_branch = evaluate(value, path)
        if all(by_branch):
            problems.extend(_closest(by_branch, path))

    return check


def _one_of(compiler: Compiler, schema: Mapping[str, Any], place: str) -> Check:
    evaluate = _branches(compiler, schema, place, "oneOf")

    def check(value: Any, path: Path, problems: list[Problem]) -> None:
        by_branch = evaluate(value, path)
        fitting = sum(not branch for branch in by_branch)
        if not fitting:
            problems.extend(_closest(by_branch, path))
        elif fitting > 1:
            right = f"expected a value that matches exactly one of the {len(by_branch)} allowed forms"
            problems.append(Problem(path_text(path), f"found {show(value)}, which matches {fitting}", right))

    return check


def _closest(by_branch: Sequence[Sequence[Problem]], path: Path) -> Sequence[Problem]:
    """Return the problems of the branch that fits the value itself, or one problem that names what each expects."""
    here = path_text(path)
    inside = [branch for branch in by_branch if all(problem.path != here for problem in branch)]
    if inside:
        return min(inside, key=len)
    rights = [
        problem.right.removeprefix("expected ") for branch in by_branch for problem in branch if problem.path == here
    ]
    return [Problem(here, by_branch[0][0].found, "expected " + "; or ".join(dict.fromkeys(filter(None, rights))))]


KEYWORDS: dict[str, Maker] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "minProperties": _length("minProperties", dict, lambda size, bound: size >= bound, "at least {} entries"),
    "maxProperties": _length("maxProperties", dict, lambda size, bound: size <= bound, "at most {} entries"),
    "items": _items,
    "prefixItems": _prefix_items,
    "minItems": _length("minItems", list, lambda size, bound: size >= bound, "at least {} items"),
    "maxItems": _length("maxItems", list, lambda size, bound: size <= bound, "at most {} items"),
    "minLength": _length("minLength", str, lambda size, bound: size >= bound, "at least {} characters"),
    "pattern": _pattern,
    "minimum": _bound("minimum", lambda value, bound: value >= bound, "at least {}"),
    "maximum": _bound("maximum", lambda value, bound: value <= bound, "at most {}"),
    "exclusiveMinimum": _bound("exclusiveMinimum", lambda value, bound: value > bound, "more than {}"),
    "$ref": _ref,
    "anyOf": _any_of,
    "oneOf": _one_of,
}
