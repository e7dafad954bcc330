#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies the inputs of a folder of corpus/ for libFuzzer, which reads bytes only.

Arguments: the folder, and another one, which is created. A file whose name ends with ".hex" has
bytes in hexadecimal digits, and comments that begin with "#"; others are copied as they are.
"""

import os
import re
import sys


def read_input(path):
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".hex"):
        return bytes.fromhex(re.sub(r"#.*", "", data.decode("ascii")))
    return data


def main():
    source, target = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        with open(os.path.join(target, name), "wb") as file:
            file.write(read_input(os.path.join(source, name)))


if __name__ == "__main__":
    main()
