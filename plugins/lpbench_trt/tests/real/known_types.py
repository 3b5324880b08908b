"""Knows the types of expressions, as far as they lead to the library's classes."""

from __future__ import annotations

import ast
from collections import ChainMap
from dataclasses import replace
from typing import TYPE_CHECKING

from plugins.lpbench_trt.tests.real import syntax
from plugins.lpbench_trt.tests.real.syntax import MODULE, Function, Type

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.real.api import Api, Member
    from plugins.lpbench_trt.tests.real.syntax import Package

PROPERTIES = {"property", "cached_property", "functools.cached_property"}


class Types:
    """Knows the types of expressions."""

    def __init__(self, package: Package, api: Api) -> None:
        self.package, self.api = package, api
        self.scope: ChainMap[str, Type | None] = ChainMap({MODULE: Type("", instance=False)})

    def of(self, node: ast.AST | None) -> Type | None:
        """Return the type of an expression, if it is known."""
        handler = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        result: Type | None = handler(node) if handler else None
        return result

    def annotation(self, node: ast.AST | None) -> Type | None:
        """Return the type that an annotation states."""
        return syntax.annotated(node, self.package, self.api)

    def attribute(self, owner: Type | None, name: str) -> Type | None:
        """Return the type of an object's attribute."""
        if owner is None or owner.depth:
            return None
        return self._of_member(self.api.find(owner.name, name)) if owner.vendor else self._own(owner.name, name)

    def returned(self, owner: Type | None, name: str) -> Type | None:
        """Return the type of what a method returns."""
        if owner is None or owner.depth:
            return None
        if owner.vendor:
            member = self.api.find(owner.name, name)
            return self._vendor(member.signatures[0].returns) if member and member.signatures else None
        method = self.package.method(owner.name, name)
        return self.annotation(method.returns) if method else self.returned(self._base(owner.name), name)

    def _own(self, class_: str, name: str) -> Type | None:
        if (class_, name) in self.package.attributes:
            return self.package.attributes[class_, name]
        for each in self.package.classes[class_].body:
            if isinstance(each, ast.AnnAssign) and syntax.dotted(each.target) == name:
                return self.annotation(each.annotation)
            if isinstance(each, Function) and each.name == name:
                kinds = {syntax.dotted(decorator) for decorator in each.decorator_list}
                return self.annotation(each.returns) if kinds & PROPERTIES else None
        return self.attribute(self._base(class_), name)

    def _base(self, class_: str) -> Type | None:
        base = self.package.base(class_)
        return Type(base) if base else None

    def _of_member(self, member: Member | None) -> Type | None:
        if member is None or member.kind == "function":
            return None
        known = self._vendor(member.type)
        return replace(known, instance=member.kind != "class") if known else None

    def _vendor(self, name: str) -> Type | None:
        container, _, inner = name.removesuffix("]").partition("[")
        if inner:
            known = self._vendor(inner)
            return replace(known, depth=known.depth + 1) if known and container.lower() == "list" else None
        return Type(name) if name in self.api.classes else None

    def _of_name(self, node: ast.Name) -> Type | None:
        if node.id in self.scope:
            return self.scope[node.id]
        return Type(node.id, vendor=False, instance=False) if node.id in self.package.classes else None

    def _of_attribute(self, node: ast.Attribute) -> Type | None:
        return self.attribute(self.of(node.value), node.attr)

    def _of_call(self, node: ast.Call) -> Type | None:
        class_ = self.of(node.func)
        if class_ and class_.name and not class_.instance:
            return replace(class_, instance=True)
        if isinstance(node.func, ast.Attribute):
            return self.returned(self.of(node.func.value), node.func.attr)
        name = syntax.dotted(node.func)
        if name == "cast" and node.args:
            return self.annotation(node.args[0])
        return self.annotation(self.package.functions[name].returns) if name in self.package.functions else None

    def _of_ifexp(self, node: ast.IfExp) -> Type | None:
        return self.of(node.body) or self.of(node.orelse)

    def _of_boolop(self, node: ast.BoolOp) -> Type | None:
        return next(filter(None, map(self.of, node.values)), None)

    def _of_namedexpr(self, node: ast.NamedExpr) -> Type | None:
        return self.of(node.value)

    def _of_subscript(self, node: ast.Subscript) -> Type | None:
        return inside(self.of(node.value))


def inside(container: Type | None) -> Type | None:
    """Return the type of what a container holds."""
    return replace(container, depth=container.depth - 1) if container and container.depth else None
