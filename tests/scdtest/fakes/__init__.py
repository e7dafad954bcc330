# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stand-ins for parts that are not under test: a fake service, cards, a journal."""
