"""Pure. What a plain YAML scalar means, by the core schema of YAML 1.2.

Source: YAML 1.2.2 section 10.3.2. Only `true` and `false` are booleans; `yes`, `no`, `on` and `n`
are text. A number too long for Python to read stays text.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
DECIMAL = re.compile(r"[-+]?[0-9]{1,100}")
OCTAL = re.compile(r"0o[0-7]{1,100}")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,100}")
FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]{1,100}|[0-9]{1,100}(?:\.[0-9]{0,100})?)(?:[eE][-+]?[0-9]{1,3})?"
)
SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def is_null(text: str) -> bool:
    """Tell whether plain *text* stands for nothing."""
    return text in CONSTANTS and CONSTANTS[text] is None


def typed(text: str) -> Scalar:
    """Return what plain *text* stands for."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if DECIMAL.fullmatch(text):
        return int(text)
    if OCTAL.fullmatch(text) or HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if FLOAT.fullmatch(text):
        return float(text)
    if SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    return text
