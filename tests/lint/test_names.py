#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names and words: a type name exists once, no riddles in names, plain English in comments."""

import io
import os
import re
import sys
import tokenize
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from source import C, code, comments, files, read, tag_definitions, type_definitions

# Names that several types have for now. Delete the line of a name that one type has: the test
# fails until this is done.
MAY_BE_REPEATED = set()

FORBIDDEN = re.compile(r"whereabouts|neighbour|patience|headline|opening_|ScdOpening|dialogue"
                       r"|finger_|stranger", re.I)
# Identifiers that have such a word for now; to be deleted as above.
MAY_BE_FORBIDDEN = set()

# In the comments of all C files, fewer than so many of these words among 1,000.
PROSE_LIMITS = {r"what": 3, r"nobody|whoever|somebody|everybody": 0.5}
PROSE_IS_CHECKED = True  # to be set when the comments fulfil this


def c_identifiers(text):
    return set(re.findall(r"[A-Za-z_]\w*", code(text)))


def python_identifiers(text):
    return {token.string for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.NAME}


class Types(unittest.TestCase):
    def test_type_name_exists_once(self):
        named, tags = {}, {}
        for name in files(C):
            for type_name, tag in type_definitions(read(name)):
                named.setdefault(type_name, []).append((name, tag))
            for tag in tag_definitions(read(name)):
                tags.setdefault(tag, set()).add(name)
        self.assertGreater(len(named), 100)
        repeated = {}
        for type_name, typedefs in named.items():
            bodies = [name for name, tag in typedefs if tag is None]
            bodies += {path for _, tag in typedefs for path in tags.get(tag, ())}
            if len(bodies) > 1:
                repeated[type_name] = sorted({name for name, _ in typedefs})
        self.assertEqual({name: repeated[name] for name in set(repeated) - MAY_BE_REPEATED}, {},
                         "names of several types")
        self.assertEqual(sorted(MAY_BE_REPEATED - set(repeated)), [],
                         "names of one type: delete them from MAY_BE_REPEATED")


class Words(unittest.TestCase):
    def test_identifiers(self):
        found = {}
        for pattern, identifiers in ((C, c_identifiers), (r"\.py$", python_identifiers)):
            for name in files(pattern):
                if os.path.basename(name) == os.path.basename(__file__):
                    continue
                for identifier in filter(FORBIDDEN.search, identifiers(read(name))):
                    found.setdefault(identifier, []).append(name)
        self.assertEqual({word: found[word] for word in set(found) - MAY_BE_FORBIDDEN}, {})
        self.assertEqual(sorted(MAY_BE_FORBIDDEN - set(found)), [],
                         "not used any more: delete them from MAY_BE_FORBIDDEN")

    def test_file_names(self):
        self.assertEqual(list(filter(FORBIDDEN.search, files(""))), [])

    def test_comments_are_plain(self):
        texts = {name: comments(read(name)) for name in files(C)}
        total = sum(len(text.split()) for text in texts.values())
        self.assertGreater(total, 5000)
        verdicts = []
        for words, limit in PROSE_LIMITS.items():
            counts = {name: len(re.findall(rf"\b({words})\b", text, re.I))
                      for name, text in texts.items()}
            rate = 1000 * sum(counts.values()) / total
            worst = sorted(counts, key=counts.get, reverse=True)[:10]
            if rate >= limit:
                verdicts.append(f"{rate:.1f} of {words} in 1,000 words, {limit} allowed; most in "
                                + ", ".join(f"{name} ({counts[name]})" for name in worst))
        if verdicts and not PROSE_IS_CHECKED:
            self.skipTest("; ".join(verdicts))
        self.assertEqual(verdicts, [])


if __name__ == "__main__":
    case.main(private=False)
