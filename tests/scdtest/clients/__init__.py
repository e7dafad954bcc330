# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients of the test bed: on the bus, over a channel, as another user, by PC/SC, on a terminal."""
