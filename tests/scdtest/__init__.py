# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests, the demo and the bench stand on: a private world of real parts."""
