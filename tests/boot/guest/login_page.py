# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sets up a machine as docs/login.md says, to the letter, and one stack as it says."""

import os
import re
import subprocess

from booted import run

PAGE = "/src/docs/login.md"
PIN = "123456"

# QEMU's reader announces a PIN pad, but refuses to verify a PIN.
NO_PIN_PAD = "app default { reader_driver pcsc { enable_pinpad = false; } }\n"

# Commands of the page that the image has executed, or that ask for a PIN on a terminal.
NOT_RUN = ("apt-get", "pklogin_finder")


def sections():
    """Returns the blocks of text in each numbered section of the page."""
    with open(PAGE, encoding="utf-8") as file:
        parts = re.split(r"^## (\d)\. .*$", file.read(), flags=re.M)
    return {int(number): re.findall(r"^```text\n(.*?)^```$", text, re.M | re.S)
            for number, text in zip(parts[1::2], parts[2::2])}


def part(title):
    """Returns the blocks of text below a heading within section 6."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read().partition(f"\n### {title}\n")[2].partition("\n##")[0]
    return re.findall(r"^```text\n(.*?)^```$", text, re.M | re.S)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def follow(block, atr):
    """Executes the commands of a block. "cat FILE" shows the content that the file has to have."""
    script = []
    for command, output in re.findall(r"^# (.*)\n((?:(?!# ).*\n)*)", block, re.M):
        if command.startswith("cat "):
            write(command.split()[1],
                  re.sub(r"\bLoginCards=atr \w+", "LoginCards=atr " + atr, output))
        elif command.split()[0] not in NOT_RUN:
            script.append(command)
    subprocess.run(["sh", "-euc", "\n".join(script)], check=True, cwd="/root",
                   stdin=subprocess.DEVNULL)


def change_stack(stack, auth, session):
    with open(stack, encoding="utf-8") as file:
        lines = file.read().splitlines(keepends=True)
    lines[lines.index("@include common-auth\n")] = auth
    lines.insert(lines.index("@include common-session\n") + 1, session)
    with open(stack, "w", encoding="utf-8") as file:
        file.writelines(lines)


def set_up(reader, program):
    """reader: the path of one with the card. program: that of the stack. Both have names there."""
    atr, = re.findall(r'"atr" : "(\w+)"', run("smartcardctl", "--json", "status", reader))
    text = sections()
    for number in (1, 2, 3, 5):
        for block in text[number]:
            follow(block, atr)
    with open("/etc/opensc/opensc.conf", "w", encoding="ascii") as file:
        file.write(NO_PIN_PAD)
    change_stack("/etc/pam.d/" + program, *text[4][:2])
