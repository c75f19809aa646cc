"""Values of TOML as fields of frozen dataclasses, checked by their type hints."""

from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from discern.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def overlaid(base: T, table: dict[str, Any], where: str = "") -> T:
    """Return the dataclass ``base`` with the fields that ``table`` names; tables nest.

    ``where`` is the name of ``base`` in messages.

    Raises:
        UsageError: An unknown key or a value of the wrong type, by name.
    """
    hints = get_type_hints(type(base))
    changes: dict[str, Any] = {}
    for key, value in _known(type(base), table, where).items():
        name = f"{where}.{key}" if where else key
        if is_dataclass(hints[key]) and isinstance(value, dict):
            changes[key] = overlaid(getattr(base, key), value, name)
        else:
            changes[key] = built(hints[key], value, name)
    return replace(base, **changes)


def built(kind: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - follows the type hints
    """Return ``value`` as ``kind``: a dataclass, tuple, enumeration, path or plain type.

    Of several dataclasses it is the one that has most of the keys; TOML has no null.

    Raises:
        UsageError: It is not of that kind; ``where`` is named.
    """
    if is_dataclass(kind):
        return _built_dataclass(kind, value, where)
    if get_origin(kind) is tuple:
        return _built_tuple(get_args(kind), value, where)
    if get_origin(kind) in {Union, UnionType}:
        return built(_likeliest(get_args(kind), value), value, where)
    return _built_plain(kind, value, where)


def _built_plain(kind: Any, value: Any, where: str) -> Any:  # noqa: ANN401
    if issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError as error:
            allowed = ", ".join(str(member.value) for member in kind)
            raise UsageError(f"{where}: {value!r} is not one of {allowed}") from error
    if kind is float and type(value) is int:
        return float(value)
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    if type(value) is not kind:
        raise UsageError(f"{where}: {value!r} is not of type {kind.__name__}")
    return value


def _likeliest(kinds: tuple[Any, ...], value: Any) -> Any:  # noqa: ANN401
    some = [kind for kind in kinds if kind is not NoneType]
    if not isinstance(value, dict):
        return some[0]
    tables = [kind for kind in some if is_dataclass(kind)]
    return max(
        tables,
        key=lambda kind: len({one.name for one in fields(kind)} & set(value)),
        default=some[0],
    )


def _known(kind: Any, table: dict[str, Any], where: str) -> dict[str, Any]:  # noqa: ANN401
    names = [one.name for one in fields(kind)]
    unknown = sorted(set(table) - set(names))
    if unknown:
        prefix = f"{where}." if where else ""
        raise UsageError(f"unknown key {prefix}{unknown[0]}; known: {', '.join(names)}")
    return table


def _built_dataclass(kind: Any, value: Any, where: str) -> Any:  # noqa: ANN401
    if not isinstance(value, dict):
        raise UsageError(f"{where}: needs a table")
    hints = get_type_hints(kind)
    prefix = f"{where}." if where else ""
    known = _known(kind, value, where)
    required = [one.name for one in fields(kind) if one.default is MISSING is one.default_factory]
    missing = [name for name in required if name not in known]
    if missing:
        raise UsageError(f"{', '.join(prefix + name for name in missing)}: missing; add it")
    return kind(**{key: built(hints[key], item, f"{prefix}{key}") for key, item in known.items()})


def _built_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:  # noqa: ANN401
    if not isinstance(value, list):
        raise UsageError(f"{where}: needs a list")
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(kinds) != len(value):
        raise UsageError(f"{where}: needs {len(kinds)} values")
    return tuple(built(kind, item, where) for kind, item in zip(kinds, value, strict=True))
