# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test bed: a private system bus, pcscd with simulated readers, polkitd, and smartcardd.

Nothing here imports the other sub-packages.
"""
