"""TorchScript source to Python's syntax tree, and errors that point into the source.

Python's own parser does the work; `scan` bounds what it is given. Nothing is ever evaluated.
"""

from __future__ import annotations

import ast
import textwrap
from typing import NoReturn

from treadle.errors import CompileError, ScriptSyntaxError, UnsupportedError
from treadle.frontends.torchscript.scan import check_source
from treadle.ir.graph import Loc


class Source:
    """A source text with its name; makes locations and errors for the nodes of its tree.

    Attributes:
        file: what messages call the source.
        first_line: number in the file of the text's first line.
    """

    def __init__(self, text: str, file: str, first_line: int = 1) -> None:
        self.text = text
        self.file = file
        self.first_line = first_line
        self.lines = text.split("\n")

    def line(self, number: int) -> str:
        """The line that a node of the tree calls `number`."""
        return self.lines[number - 1].rstrip() if 0 < number <= len(self.lines) else ""

    def text_of(self, node: ast.stmt) -> str:
        """The lines of a definition, as far to the left as they go."""
        return textwrap.dedent("\n".join(self.lines[node.lineno - 1 : node.end_lineno])) + "\n"

    def loc(self, node: ast.AST) -> Loc:
        """Where `node` begins."""
        line = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0)
        return Loc(self.file, line + self.first_line - 1, column, self.line(line).strip())

    def describe(self, message: str, node: ast.AST) -> str:
        """`message` with the place of `node`: file, line, column, the line and a caret."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return self._pointed(message, line, column)

    def _pointed(self, message: str, line: int, column: int) -> str:
        shown = self.line(line)
        start = max(0, column - 60)
        shown, caret = shown[start : start + 100], column - start
        number = line + self.first_line - 1
        place = f"{self.file}:{number}:{column + 1}"
        return f"{message} ({place})\n    {shown}\n    {' ' * caret}^"

    def syntax_error(self, message: str, node: ast.AST) -> ScriptSyntaxError:
        """An error for source that TorchScript does not have."""
        return ScriptSyntaxError(self.describe(message, node))

    def compile_error(self, message: str, node: ast.AST) -> CompileError:
        """An error for source that TorchScript does not allow."""
        return CompileError(self.describe(message, node))

    def unsupported(self, message: str, node: ast.AST) -> UnsupportedError:
        """An error for what Treadle does not implement."""
        return UnsupportedError(self.describe(message, node))

    def fail_syntax(self, error: SyntaxError) -> NoReturn:
        """Raise Python's syntax error as ours."""
        line, column = error.lineno or 1, max(0, (error.offset or 1) - 1)
        raise ScriptSyntaxError(self._pointed(error.msg, line, column)) from None


def parse(source: Source, *, trusted: bool = False) -> ast.Module:
    """The syntax tree of `source`.

    `trusted` says that the text is the user's own Python, which Python has compiled before.

    Raises:
        ScriptSyntaxError: if it does not parse or is nested too deeply.
    """
    text = source.text
    if not trusted:
        text = check_source(text, source.file)
    try:
        return ast.parse(text, source.file)
    except SyntaxError as error:
        source.fail_syntax(error)
    except (RecursionError, MemoryError):
        raise ScriptSyntaxError(f"{source.file}: the source is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise ScriptSyntaxError(f"{source.file}: {error}") from None


def parse_function(source: Source) -> ast.FunctionDef:
    """The only statement of `source`, a function that Python has compiled before."""
    body = parse(source, trusted=True).body
    if len(body) == 1 and isinstance(body[0], ast.AsyncFunctionDef):
        raise source.syntax_error("TorchScript has no async functions: def, and fork", body[0])
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise ScriptSyntaxError(f"{source.file}:{source.first_line}: not a function definition")
    return _with_commented_types(source, body[0])


def _with_commented_types(source: Source, node: ast.FunctionDef) -> ast.FunctionDef:
    """`node`, where annotations may be comments: ``# type: (int, Tensor) -> Tensor``."""
    if "# type:" not in source.text or node.returns is not None:
        return node
    try:
        (found,) = ast.parse(source.text, source.file, type_comments=True).body
        assert isinstance(found, ast.FunctionDef)
        if found.type_comment is None:
            return node
        signature = ast.parse(found.type_comment, source.file, mode="func_type")
    except SyntaxError:  # a comment of another kind
        return node
    node.returns = _placed(signature.returns, node)
    given, commented = node.args.args, found.args.args
    types: list[ast.expr] = signature.argtypes
    if len(types) == 1 and isinstance(types[0], ast.Constant) and types[0].value is ...:
        for argument, other in zip(given, commented, strict=True):
            if other.type_comment is not None:
                text = ast.parse(other.type_comment.rstrip(","), source.file, mode="eval").body
                argument.annotation = _placed(text, argument)
        return node
    if len(types) not in (len(given), len(given) - 1):
        raise source.syntax_error("the type comment has another number of parameters", node)
    for argument, type_ in zip(given[len(given) - len(types) :], types, strict=True):
        argument.annotation = _placed(type_, argument)
    return node


def _placed(node: ast.expr, place: ast.FunctionDef | ast.arg) -> ast.expr:
    """`node` with all of it at `place`, for errors."""
    for part in ast.walk(node):
        ast.copy_location(part, place)
    return node
