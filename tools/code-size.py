#!/usr/bin/env python3
"""Bytes of a component that was built with its names, by cause, and its code by crate and module
(`make code-size`). Names and debug information, which no published file has, count as nothing."""

import re
import sys
from collections import Counter


def leb128(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def sections(data, at=8):
    while at < len(data):
        kind = data[at]
        size, at = leb128(data, at + 1)
        yield kind, data[at : at + size]
        at += size


def functions(module):
    """Name and size of each function body."""
    imports, sizes, names = 0, [], {}
    for kind, content in sections(module):
        if kind == 2:
            count, at = leb128(content, 0)
            for _ in range(count):
                for _ in range(2):
                    size, at = leb128(content, at)
                    at += size
                if content[at] != 0:
                    return []  # one of the adapter's small modules, which import tables
                _, at = leb128(content, at + 1)
            imports = count
        elif kind == 10:
            count, at = leb128(content, 0)
            for _ in range(count):
                size, at = leb128(content, at)
                sizes.append(size)
                at += size
        elif kind == 0:
            size, at = leb128(content, 0)
            if content[at : at + size] != b"name":
                continue
            at += size
            while at < len(content):
                part = content[at]
                size, at = leb128(content, at + 1)
                end = at + size
                if part == 1:
                    count, at = leb128(content, at)
                    for _ in range(count):
                        index, at = leb128(content, at)
                        size, at = leb128(content, at)
                        names[index] = content[at : at + size].decode()
                        at += size
                at = end
    return [(names.get(imports + index, "?"), size) for index, size in enumerate(sizes)]


def owner(name):
    """The crate of a function, and for ours its module: the first of ours that its name holds."""
    parts = re.findall(r"(?<=\d)[a-z_]\w*?(?=\d|E)|[a-z_]{3,}", name)
    text = name.replace("..", "::")
    ours = re.search(r"(aftership_connector|connector_sdk|connector_json|shop_connector)((?:\d+|::)(\w+))?", text)
    if ours:
        crate = ours.group(1)
        rest = re.findall(r"\d+([a-z_]+)", name[name.index(crate) + len(crate) :])
        modules = [part for part in rest if not part.startswith("h")][:2]
        return "::".join([crate, *modules[: 2 if modules[:1] == ["objects"] else 1]])
    for crate in ("core", "alloc", "std", "dlmalloc", "md5", "wit_bindgen"):
        if crate in parts or name.startswith(crate):
            return crate
    return "other"


# The first that is found in a function's name or its module is its cause.
CAUSES = [
    ("the manifest as code", r"get_manifest|connector9Connector8manifest|7declare"),
    ("exports: arguments, answers and errors lifted and lowered, and freed", r"_export_|__post_return|cabi_post"),
    ("imports, and types of the contract", r"8bindings"),
    ("JSON scanner, for speed", r"connector_json"),
    ("objects", r"aftership_connector\W*(::|..|7)objects"),
    ("API client: requests, paging, the table of errors", r"aftership_connector(\.\.|3)api"),
    ("authentication: four schemes", r"aftership_connector(\.\.|4)auth"),
    ("webhooks", r"aftership_connector(\.\.|13)subscriptions"),
    ("connector, other", r"aftership_connector"),
    ("SDK: checks by schema", r"connector_sdk(\.\.|6)schema"),
    ("SDK: cursors, dates, declarations, dispatch", r"connector_sdk"),
    ("allocator", r"dlmalloc"),
    ("MD5", r"md5"),
    ("standard library: formatting and panics", r"3fmt|panick|_fail|unicode"),
    ("standard library: strings", r"4core3str|core\.\.str|alloc3str|alloc6string|alloc\.\.string"),
    ("standard library: iterators and vectors, a copy for each type", r""),
]


def causes(component):
    """Bytes of the whole file by cause."""
    totals = Counter()
    for kind, content in sections(component):
        # A section has a byte for its kind and one to five for its length.
        if kind != 1:
            what = "what registries show" if kind == 0 else "component types, and how modules fit together"
            totals[what] += len(content) + framing(content)
            continue
        totals["component types, and how modules fit together"] += framing(content) + 8
        for part, inner in sections(content):
            if part == 0:
                continue
            if part == 11:
                totals["data: schemas, texts, addresses of panics"] += len(inner) + framing(inner)
            elif part != 10:
                totals["module: types, tables and names of exports"] += len(inner) + framing(inner)
            else:
                named = functions(content)
                for name, size in named or [("", len(inner))]:
                    cause = next(cause for cause, found in CAUSES if re.search(found, name))
                    totals[cause] += size
                around = len(inner) + framing(inner) - sum(size for _, size in named)
                totals["module: types, tables and names of exports"] += around if named else 0
    return totals


def framing(content):
    """Bytes of a section's kind and length."""
    return 1 + max(1, (len(content).bit_length() + 6) // 7)


def main():
    data = open(sys.argv[1], "rb").read()
    totals = causes(data)
    for cause, size in totals.most_common():
        print(f"{size:8} {cause}")
    print(f"{sum(totals.values()) + 8:8} in all\n\nits code:")
    totals = Counter()
    for kind, module in sections(data):
        if kind == 1:
            for name, size in functions(module):
                totals[owner(name)] += size
    for name, size in totals.most_common():
        if size >= 100:
            print(f"{size:8} {name}")


main()
