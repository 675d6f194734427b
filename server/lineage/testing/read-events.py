"""Makes the classes of the published package `openlineage-python` of events, a line of JSON each, from standard input.

Writes a line for each event: `ok`, or why the classes do not take it. They take it when every field is one of theirs, of
the type that they declare, when none that they want is missing, when their own checks pass, and when they then write the
same event again.
"""

import enum
import importlib
import json
import pkgutil
import re
import sys
import types
import typing

import attr
import openlineage.client.generated as generated
from openlineage.client.generated import base
from openlineage.client.serde import Serde

MODULES = [importlib.import_module(f"{generated.__name__}.{found.name}") for found in pkgutil.iter_modules(generated.__path__)]
SCHEMA = re.compile(r"https://openlineage\.io/spec/(?:facets/)?(\d+-\d+-\d+)/(\w+)\.json#/\$defs/(\w+)")


def facet_class(value):
    """Facets say themselves what they are."""
    found = SCHEMA.fullmatch(value.get("_schemaURL", ""))
    if found is None:
        raise ValueError(f"a facet with the schema {value.get('_schemaURL')}")
    for module in MODULES:
        one = getattr(module, found[3], None)
        if isinstance(one, type) and one.__module__ == module.__name__:
            theirs = SCHEMA.fullmatch(one._get_schema())
            if theirs is None or theirs[2] != found[2]:
                raise ValueError(f"{found[3]} is published in {one._get_schema()}, not in {found[0]}")
            if version(found[1]) > version(theirs[1]):
                raise ValueError(f"{found[3]} has no version {found[1]}; the newest is {theirs[1]}")
            return one
    raise ValueError(f"{found[3]} is no published facet")


def version(text):
    return [int(part) for part in text.split("-")]


def make(hint, value, path):
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        if value is None or len(options) != 1:
            raise TypeError(f"{path} is {value!r}")
        return make(options[0], value, path)
    if origin is list:
        return [make(typing.get_args(hint)[0], one, f"{path}[{at}]") for at, one in enumerate(need(list, value, path))]
    if origin is dict:
        inner = typing.get_args(hint)[1]
        is_facet = isinstance(inner, type) and issubclass(inner, base.BaseFacet)
        made = {}
        for key, one in need(dict, value, path).items():
            kind = facet_class(one) if is_facet else inner
            if is_facet and not issubclass(kind, inner):
                raise TypeError(f"{path}.{key} is a {kind.__name__}, not a {inner.__name__}")
            made[key] = make(kind, one, f"{path}.{key}")
        return made
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(value)
    if attr.has(hint):
        return make_object(hint, need(dict, value, path), path)
    return need(hint, value, path)


def need(hint, value, path):
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        raise TypeError(f"{path} is {value!r}, not {hint.__name__}")
    return value


def make_object(kind, value, path):
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in attr.fields(kind)}
    strange = sorted(set(value) - set(fields))
    if strange:
        raise TypeError(f"{path} has {strange}, which {kind.__name__} has not")
    arguments = {
        fields[name].alias: make(hints[name], one, f"{path}.{name}") for name, one in value.items() if fields[name].init
    }
    return kind(**arguments)


def plain(value):
    """Without what an older version of the same facet names otherwise, and without empty things that the classes add."""
    if isinstance(value, dict):
        kept = {key: plain(one) for key, one in value.items() if key != "_schemaURL"}
        return {key: one for key, one in kept.items() if one not in (None, {}, [])}
    return [plain(one) for one in value] if isinstance(value, list) else value


for line in sys.stdin:
    try:
        event = json.loads(line)
        again = Serde.to_dict(make_object(base.RunEvent, event, "event"))
        if plain(again) != plain(event):
            raise ValueError(f"the classes write another event: {json.dumps(plain(again))}")
        print("ok", flush=True)
    except (TypeError, ValueError) as error:
        print(str(error).replace("\n", " "), flush=True)
