# SPDX-License-Identifier: LGPL-2.1-or-later
"""A picture of the time of a command by each path, drawn by gnuplot."""

import re
import subprocess

# The titles in the tables, from fast to slow, and those in the picture.
PATHS = {
    "channel, 32 in flight": "channel,\\n32 in flight",
    "channel, one at a time": "channel,\\none at a time",
    "TransmitMany of 32": "TransmitMany\\nof 32",
    "TransmitMany of 8": "TransmitMany\\nof 8",
    "Session.Transmit, sd-bus client": "Session.Transmit,\\nby sd-bus",
    "Session.Transmit, GDBus client": "Session.Transmit,\\nby GDBus",
}

SCRIPT = """
set terminal svg size 960,420 font "sans-serif,12" background "white"
set output "{path}"
set title "Time of a command, to a direct SCardTransmit (a card that answers at once)"
set style data histograms
set style histogram clustered gap 1
set style fill solid
set boxwidth 0.9
set bmargin 4
set xrange [-0.6:5.6]
set yrange [0:*]
set grid ytics
set key top left
set xtics nomirror scale 0
$data << END
{data}
END
plot for [i=2:{columns}] $data using i:xtic(1) title columnheader(i)
"""


def ratios_by_size(rows):
    """{bytes: {path: ratio}}"""
    sizes = {}
    for row in rows:
        title = re.fullmatch(r"a command, ([\d,]+) bytes", row["table"])
        if title and row["what"] in PATHS:
            sizes.setdefault(title[1], {})[row["what"]] = row["ratio"]
    return sizes


def add_licence(path):
    with open(path, encoding="utf-8") as file:
        first, *lines = file
    with open(path, "w", encoding="utf-8") as file:
        file.writelines([first, "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n", *lines])


def draw(rows, path):
    sizes = ratios_by_size(rows)
    if not sizes:
        raise SystemExit("bench: there is nothing to be drawn without the table 'paths'")
    lines = [" ".join(["path", *(f'"{size} bytes"' for size in sizes)])]
    for what, name in PATHS.items():
        lines.append(" ".join([f'"{name}"', *(f"{those[what]:.3f}" for those in sizes.values())]))
    script = SCRIPT.format(path=path, data="\n".join(lines), columns=len(sizes) + 1)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    add_licence(path)
