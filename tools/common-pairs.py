#!/usr/bin/env python3
"""The table of sdk/src/packed.rs: the pairs of bytes that are most common in the JSON files given (byte pair encoding)."""

import json
import sys
from collections import Counter

texts = []
for path in sys.argv[1:]:
    with open(path) as file:
        texts.append(list(json.dumps(json.load(file), separators=(",", ":")).encode("ascii")))
pairs = []
for code in range(0x80, 0x100):
    counts = Counter(pair for text in texts for pair in zip(text, text[1:]))
    pair = min(counts, key=lambda pair: (-counts[pair], pair))
    pairs.append(pair)
    for text in texts:
        at = 0
        while at + 1 < len(text):
            if (text[at], text[at + 1]) == pair:
                text[at : at + 2] = [code]
            at += 1


print(", ".join(str(byte) for pair in pairs for byte in pair))
print(sum(map(len, texts)), "bytes packed", file=sys.stderr)
