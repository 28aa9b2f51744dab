#!/usr/bin/env python3
"""Bytes of code by crate and module in a component that was built with its names (`make code-size`)."""

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


def main():
    data = open(sys.argv[1], "rb").read()
    totals = Counter()
    for kind, module in sections(data):
        if kind == 1:
            for name, size in functions(module):
                totals[owner(name)] += size
    for name, size in totals.most_common():
        print(f"{size:8} {name}")
    print(f"{sum(totals.values()):8} in all")


main()
