"""Text of an options file."""

import json
import re


def string(text):
    """Returns a TOML string. The escapes of JSON are valid in TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(name):
    """Returns a key, in quotes unless it is a bare one."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else string(name)


def value(given):
    """Returns a value: text, number, boolean, list or inline table."""
    match given:
        case bool():
            return "true" if given else "false"
        case str():
            return string(given)
        case dict():
            inside = ", ".join(f"{key(name)} = {value(inner)}" for name, inner in given.items())
            return f"{{ {inside} }}"
        case list():
            return f"[{', '.join(map(value, given))}]"
        case _:
            return repr(given)


def comment(text):
    """Returns the lines of a comment."""
    return [f"# {line}".rstrip() for line in text.splitlines()]
