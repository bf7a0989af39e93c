"""Our own code, as syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("llmhub", "providers", "tenants", "gateway")


@dataclass(frozen=True)
class Source:
    """`module` is the dotted name; a package's own file has the package's name."""

    module: str
    tree: ast.Module
    is_package: bool = False

    @classmethod
    def parse(cls, module: str, text: str) -> "Source":
        return cls(module, ast.parse(text))

    def is_in(self, *packages: str) -> bool:
        return any(is_below(self.module, package) for package in packages)

    def imports(self) -> set[str]:
        """What is imported anywhere in it; `from a import b` counts as `a.b`."""
        return {name for node in ast.walk(self.tree) for name in self._imported(node)}

    def _imported(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = self._base(node)
            yield from (f"{base}.{alias.name}" for alias in node.names)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        kept = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def attributes(self) -> set[str]:
        """Every `.name` in it."""
        return {node.attr for node in ast.walk(self.tree) if isinstance(node, ast.Attribute)}

    def called_names(self) -> set[str]:
        """Every `name(...)` in it that is no attribute."""
        return {call.func.id for call in self._calls() if isinstance(call.func, ast.Name)}

    def called_with_variables(self) -> set[str]:
        """Every `name(x)` and `module.name(x)` in it whose `x` is no literal."""
        calls = (call for call in self._calls() if not _is_literal(call.args[:1]))
        return {getattr(call.func, "id", getattr(call.func, "attr", "")) for call in calls}

    def _calls(self) -> Iterator[ast.Call]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))


def _is_literal(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and isinstance(arguments[0], ast.Constant)


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def our_sources() -> list[Source]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [_read(path) for path in sorted(paths) if "migrations" not in path.parts]


def _read(path: Path) -> Source:
    parts = path.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    return Source(module, ast.parse(path.read_text(encoding="utf-8")), is_package)
