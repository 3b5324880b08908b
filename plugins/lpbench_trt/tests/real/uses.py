"""Finds what a package uses of the module ``tensorrt``, by walking through its syntax trees.

Types are followed through annotations, constructors, the results of calls, attributes of ``self`` and loops: enough to
know, of most objects of the library, which class they have.  ``hasattr`` and ``getattr`` with a default are guards.
"""

from __future__ import annotations

import ast
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from plugins.lpbench_trt.tests.real import syntax
from plugins.lpbench_trt.tests.real.known_types import Types, inside
from plugins.lpbench_trt.tests.real.syntax import Package, Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from plugins.lpbench_trt.tests.real.api import Api, Call


@dataclass(frozen=True)
class Use:
    """One place at which a name of the library is used.

    :param where: File and line.
    :param owner: The class; empty for the module.
    :param guarded: Whether the place is only reached where the name exists.
    :param call: The arguments if the name is called there.
    """

    where: str
    owner: str
    name: str
    guarded: bool
    call: Call | None = None

    def __str__(self) -> str:
        return f"{self.where}: {'.'.join(filter(None, ('trt', self.owner, self.name)))}"


def found(sources: Mapping[str, str], api: Api) -> list[Use]:
    """Return every use of the library in a package, given its sources by file name.

    :param api: What any version of the library has, from which types are followed.
    """
    package = Package.of(sources)
    for _ in range(2):  # attributes of self may be known from methods that are walked later
        walkers = [Walker(package, api, file) for file in package.trees]
        for walker in walkers:
            walker.visit(package.trees[walker.file])
    return [use for walker in walkers for use in walker.uses]


class Walker(ast.NodeVisitor):
    """Collects the uses of one file."""

    def __init__(self, package: Package, api: Api, file: str) -> None:
        self.package, self.api, self.file = package, api, file
        self.types = Types(package, api)
        self.sure: syntax.Guards = frozenset()
        self.class_ = ""
        self.optional = False
        self.uses: list[Use] = []

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Visit statements that follow one another."""
        for statement, sure in syntax.block_guards(statements):
            with self._guarded(sure):
                self.visit(statement)

    def visit_Module(self, node: ast.Module) -> None:
        """Visit a file."""
        self.block(node.body)

    def visit_If(self, node: ast.If) -> None:
        """Visit both branches, each with what its condition makes sure of."""
        self.visit(node.test)
        for holds, statements in ((True, node.body), (False, node.orelse)):
            with self._guarded(syntax.guards(node.test, holds=holds)):
                self.block(statements)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Likewise."""
        self.visit(node.test)
        for holds, value in ((True, node.body), (False, node.orelse)):
            with self._guarded(syntax.guards(node.test, holds=holds)):
                self.visit(value)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Visit operands, each with what those before it make sure of."""
        sure: syntax.Guards = frozenset()
        for value in node.values:
            with self._guarded(sure):
                self.visit(value)
            sure |= frozenset(syntax.guards(value, holds=isinstance(node.op, ast.And)))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Visit a class."""
        for each in (*node.bases, *node.decorator_list):
            self.visit(each)
        outer, self.class_ = self.class_, node.name
        with self._scope({}):
            self.block(node.body)
        self.class_ = outer

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Visit a function with the types of its parameters."""
        parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for each in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(each)
        for annotation in (node.returns, *(each.annotation for each in parameters)):
            self._annotation(annotation)
        names = {each.arg: self.types.annotation(each.annotation) for each in parameters}
        if self.class_ and parameters and parameters[0].annotation is None:
            names[parameters[0].arg] = Type(self.class_, vendor=False)
        outer, self.class_ = self.class_, ""
        with self._scope(names):
            self.block(node.body)
        self.class_ = outer

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - as ast calls them

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Visit a lambda, of whose parameters nothing is known."""
        with self._scope(dict.fromkeys(each.arg for each in node.args.args)):
            self.visit(node.body)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Note the type of what is assigned."""
        self.generic_visit(node)
        for target in node.targets:
            self._bind(target, self.types.of(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Likewise."""
        self._annotation(node.annotation)
        self.visit(node.target)
        if node.value:
            self.visit(node.value)
        self._bind(node.target, self.types.annotation(node.annotation) or self.types.of(node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        """Likewise."""
        self.visit(node.value)
        self._bind(node.target, self.types.of(node.value))

    def visit_For(self, node: ast.For) -> None:
        """Note the type of what is looped over."""
        self.visit(node.iter)
        self._bind(node.target, inside(self.types.of(node.iter)))
        self.block(node.body)
        self.block(node.orelse)

    def visit_With(self, node: ast.With) -> None:
        """Note the type that a function of this package with ``@contextmanager`` yields."""
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars:
                self._bind(item.optional_vars, inside(self.types.of(item.context_expr)))
        self.block(node.body)

    def visit_Try(self, node: ast.Try) -> None:
        """Visit all branches."""
        for statements in (node.body, *(each.body for each in node.handlers), node.orelse, node.finalbody):
            self.block(statements)

    def visit_Call(self, node: ast.Call) -> None:
        """Note what is called, and what is asked for by ``hasattr`` and ``getattr``."""
        if syntax.dotted(node.func) in {"hasattr", "getattr"} and len(node.args) > 1:
            asked = node.args[1]
            if isinstance(asked, ast.Constant):
                self._use(node, self.types.of(node.args[0]), str(asked.value), asks=not _demands(node))
        elif isinstance(node.func, ast.Attribute):
            owner = self.types.of(node.func.value)
            self._use(node.func, owner, node.func.attr, syntax.arguments(node))
            self.visit(node.func.value)
        for each in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(each)
        class_ = self.types.of(node.func)
        if class_ and class_.vendor and class_.name and not class_.instance:
            self._use(node, replace(class_, instance=True), "__init__", syntax.arguments(node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note what is read or set."""
        self._use(node, self.types.of(node.value), node.attr)
        self.visit(node.value)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        sure: syntax.Guards = frozenset()
        with self._scope({}):
            for each in node.generators:
                self.visit(each.iter)
                self._bind(each.target, inside(self.types.of(each.iter)))
                for test in each.ifs:
                    self.visit(test)
                    sure |= frozenset(syntax.guards(test))
            with self._guarded(sure):
                for value in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
                    self.visit(value)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815 - as ast calls them

    def _annotation(self, node: ast.AST | None) -> None:
        """Visit an annotation, which need not exist in the version that runs."""
        if node:
            self.optional = True
            self.visit(node)
            self.optional = False

    def _use(
        self, node: ast.expr, owner: Type | None, name: str, call: Call | None = None, *, asks: bool = False
    ) -> None:
        if owner is None or not owner.vendor or owner.depth:
            return
        written = ast.unparse(node.value) if isinstance(node, ast.Attribute) else ""
        if call and owner.name and not owner.instance:
            call = replace(call, positional=call.positional - 1)  # Class.method(self)
        guarded = asks or self.optional or (written, name) in self.sure
        self.uses.append(Use(f"{self.file}:{node.lineno}", owner.name, name, guarded, call))

    def _bind(self, target: ast.AST, type_: Type | None) -> None:
        if isinstance(target, ast.Name):
            self.types.scope[target.id] = type_
        elif isinstance(target, ast.Attribute) and type_:
            owner = self.types.of(target.value)
            if owner and not owner.vendor:
                self.package.attributes[owner.name, target.attr] = type_
        elif isinstance(target, ast.Tuple):
            for each in target.elts:
                self._bind(each, None)

    @contextmanager
    def _scope(self, names: Mapping[str, Type | None]) -> Iterator[None]:
        outer = self.types.scope
        self.types.scope = outer.new_child(dict(names))
        yield
        self.types.scope = outer

    @contextmanager
    def _guarded(self, more: Iterable[tuple[str, str]]) -> Iterator[None]:
        outer, self.sure = self.sure, self.sure | frozenset(more)
        yield
        self.sure = outer


def _demands(node: ast.Call) -> bool:
    """Say whether a call of getattr fails where the name is missing."""
    return syntax.dotted(node.func) == "getattr" and len(node.args) + len(node.keywords) < 3
