"""The mutants of a module, made by cosmic-ray."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cosmic_ray import plugins
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import MutationVisitor

from tests.mutants.modules import ROOT, lines_of
from tests.mutants.operators import OWN

# Of cosmic-ray's operators: of the replacements of one sign those that a programmer may write by mistake.
_BINARY: Final = ("Add_Sub", "Sub_Add", "Mul_FloorDiv", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "BitOr_BitAnd")
_COMPARISONS: Final = (
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
    *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
)
_TAKEN: Final = (
    *(f"ReplaceBinaryOperator_{pair}" for pair in _BINARY),
    *(f"ReplaceComparisonOperator_{pair}" for pair in _COMPARISONS),
    *("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Not"),
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer"),
    *("RemoveDecorator", "ZeroIterationForLoop"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's code with one change."""

    module: str
    operator: str
    number: int  # among the positions of its operator
    line: int
    code: str
    before: str  # the changed lines
    after: str


def mutants_of(module: str) -> Iterator[Mutant]:
    """Yield a module's mutants; what only an annotation or a dataclass's options would notice is left out."""
    source = (ROOT / module).read_text("utf-8")
    lines = lines_of(module, source)
    seen = {_essence(source)}
    core = plugins.OPERATOR_PROVIDERS["core"]
    for name, operator in [(name, core[name]) for name in _TAKEN] + list(OWN.items()):
        for number in range(_positions(source, operator())):
            code = MutationVisitor.mutate_code(source, operator(), number)
            if code is None:
                continue
            essence = _essence(code)
            line, before, after = _change(source, code)
            if essence not in seen and line in lines:
                seen.add(essence)
                yield Mutant(module, name, number, line, code, before, after)


def _positions(source: str, operator: Any) -> int:
    nodes, count = [get_ast(source)], 0
    while nodes:
        node = nodes.pop()
        count += sum(1 for _ in operator.mutation_positions(node))
        nodes += getattr(node, "children", [])
    return count


def _change(source: str, code: str) -> tuple[int, str, str]:
    """Return the number of the first changed line, and the changed lines before and after."""
    old, new = source.splitlines(), code.splitlines()
    changes = [
        code for code in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if code[0] != "equal"
    ]
    if not changes:
        return 0, "", ""
    first, last = changes[0], changes[-1]
    return first[1] + 1, _joined(old[first[1] : last[2]]), _joined(new[first[3] : last[4]])


def _joined(lines: list[str]) -> str:
    return " ".join(filter(None, map(str.strip, lines)))


class _Essential(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Name("annotation")
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call):
                decorator.keywords = []
        return self.generic_visit(node)


def _essence(code: str) -> str:
    """Return what of the code has an effect when it runs; the code itself if it can't be parsed."""
    try:
        return ast.dump(_Essential().visit(ast.parse(code)))
    except SyntaxError:
        return code
