"""What the syntax trees of a package tell: its classes and functions, annotations, calls, and guards by ``hasattr``."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from plugins.lpbench_trt.tests.real.api import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plugins.lpbench_trt.tests.real.api import Api

MODULE = "trt"
Function = ast.FunctionDef | ast.AsyncFunctionDef
ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
Guards = frozenset[tuple[str, str]]
"""Pairs of an object, as it is written, and a name that it has."""
CONTAINERS = {"list", "tuple", "set", "Sequence", "Iterable", "Iterator", "Collection", "Generator", "deque"}


@dataclass(frozen=True)
class Type:
    """What is known of a value.

    :param name: Name of its class; empty for the module itself.
    :param vendor: Whether the class is the library's; otherwise it is the package's.
    :param instance: Whether the value is an object of the class; otherwise it is the class, or the module.
    :param depth: How many containers there are around it.
    """

    name: str
    vendor: bool = True
    instance: bool = True
    depth: int = 0


TRT = Type("", instance=False)


@dataclass(frozen=True)
class Subclass:
    """A class of the package that the library calls.

    :param methods: The methods that it defines, with the fewest and most arguments that each takes.
    """

    where: str
    name: str
    base: str
    methods: Mapping[str, tuple[int, float]]


@dataclass
class Package:
    """What a package defines: its classes and functions by name, and the types of attributes."""

    trees: Mapping[str, ast.Module]
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    attributes: dict[tuple[str, str], Type] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Mapping[str, str]) -> Package:
        """Parse the sources, by file name."""
        package = cls({name: ast.parse(text) for name, text in sources.items()})
        for node in (each for tree in package.trees.values() for each in ast.walk(tree)):
            if isinstance(node, ast.ClassDef):
                package.classes[node.name] = node
            elif isinstance(node, Function):
                package.functions[node.name] = node
        return package

    def method(self, class_: str, name: str) -> Function | None:
        """Return a method of a class of the package."""
        body = self.classes[class_].body if class_ in self.classes else []
        return next((each for each in body if isinstance(each, Function) and each.name == name), None)

    def base(self, class_: str) -> str:
        """Return the library's class that a class of the package derives from; empty if there is none."""
        names = [dotted(base) for base in (self.classes[class_].bases if class_ in self.classes else [])]
        return next((name.partition(".")[2] for name in names if name.startswith(f"{MODULE}.")), "")


def dotted(node: ast.AST) -> str:
    """Return ``trt.ILogger.Severity`` of such an expression; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    owner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{owner}.{node.attr}" if owner and isinstance(node, ast.Attribute) else ""


def annotated(node: ast.AST | None, package: Package, api: Api) -> Type | None:
    """Return the type that an annotation states, if it leads to a known class: with None, or in a container."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return annotated(ast.parse(node.value, mode="eval").body, package, api)
    if isinstance(node, ast.BinOp):
        return annotated(node.left, package, api) or annotated(node.right, package, api)
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        found = annotated(inner, package, api)
        inside = dotted(node.value).rpartition(".")[2] in CONTAINERS
        return found and (replace(found, depth=found.depth + 1) if inside else found)
    name = dotted(node) if node else ""
    module, _, rest = name.partition(".")
    if module == MODULE and rest in api.classes:
        return Type(rest)
    return Type(name, vendor=False) if name in package.classes else None


def arguments(node: ast.Call) -> Call:
    """Return the arguments of a call."""
    stars = any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords)
    positional = sum(not isinstance(each, ast.Starred) for each in node.args)
    return Call(positional, tuple(each.arg for each in node.keywords if each.arg), stars)


def guards(test: ast.AST, *, holds: bool = True) -> Iterator[tuple[str, str]]:
    """Yield the pairs of object and name that exist if a condition holds, or if it does not."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from guards(test.operand, holds=not holds)
    elif isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And if holds else ast.Or):
        for value in test.values:
            yield from guards(value, holds=holds)
    elif holds and isinstance(test, ast.Call) and dotted(test.func) == "hasattr" and len(test.args) > 1:
        name = test.args[1]
        if isinstance(name, ast.Constant):
            yield ast.unparse(test.args[0]), str(name.value)


def subclasses(package: Package) -> Iterator[Subclass]:
    """Yield the classes of the package that derive from one of the library's."""
    for file, tree in package.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and package.base(node.name):
                methods = {each.name: _taken(each) for each in node.body if isinstance(each, Function)}
                yield Subclass(f"{file}:{node.lineno}", node.name, package.base(node.name), methods)


def _taken(function: Function) -> tuple[int, float]:
    names = [*function.args.posonlyargs, *function.args.args]
    most = float("inf") if function.args.vararg else len(names) - 1
    return len(names) - 1 - len(function.args.defaults), most


def block_guards(statements: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, Guards]]:
    """Yield each statement of a block with what earlier ones have made sure of: ``if not hasattr(x, "y"): return``."""
    sure: Guards = frozenset()
    for statement in statements:
        yield statement, sure
        if isinstance(statement, ast.If) and isinstance(statement.body[-1], ENDS):
            sure |= frozenset(guards(statement.test, holds=False))
        if isinstance(statement, ast.Assert):
            sure |= frozenset(guards(statement.test))


def defined(package: Package) -> set[str]:
    """Return the names that the package itself gives to functions, methods, classes and attributes."""
    nodes = [node for tree in package.trees.values() for node in ast.walk(tree)]
    targets = [node for node in nodes if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store)]
    fields = {dotted(node) for node in targets if isinstance(node, ast.Name)}
    own = {node.attr for node in targets if isinstance(node, ast.Attribute) and dotted(node.value) == "self"}
    return set(package.classes) | set(package.functions) | fields | own


def read(package: Package) -> set[str]:
    """Return the names of all attributes in the package."""
    nodes = (node for tree in package.trees.values() for node in ast.walk(tree))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}
