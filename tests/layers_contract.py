"""import-linter's layers contract for a project that has modules, not only packages, at its top level.

import-linter builds its graph of packages alone; this adds the top-level modules that the contract names, with their
imports, and leaves the check to the tool. Used by `make check` through `pyproject.toml`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from grimp import ImportGraph
from importlinter import ContractCheck
from importlinter.contracts.layers import LayersContract

ROOT = Path(__file__).parent.parent


class LayersWithModules(LayersContract):
    """A layers contract whose layers may be files beside `pyproject.toml`."""

    type_name = "layers_with_modules"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Check the layers, with the top-level modules added to the graph."""
        names = {tail.name for layer in self.layers for tail in layer.module_tails}  # type: ignore[attr-defined]
        for name in sorted(names):
            path = ROOT / f"{name}.py"
            if path.exists():
                add_module(graph, name, path)
        return super().check(graph, verbose)


def add_module(graph: ImportGraph, name: str, path: Path) -> None:
    """Put a module and what it imports into the graph; what imports it is there already, as of an external package."""
    importers = graph.find_modules_that_directly_import(name) if name in graph.modules else set()
    lines = {importer: graph.get_import_details(importer=importer, imported=name) for importer in importers}
    graph.remove_module(name)
    graph.add_module(name)
    for importer, details in lines.items():
        for detail in details:
            graph.add_import(
                importer=importer,
                imported=name,
                line_number=detail["line_number"],
                line_contents=detail["line_contents"],
            )
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in imported:
            known = target if target in graph.modules else target.rpartition(".")[0]
            if known in graph.modules and known != name:
                graph.add_import(
                    importer=name, imported=known, line_number=node.lineno, line_contents=ast.unparse(node)
                )
