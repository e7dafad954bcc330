# SPDX-License-Identifier: LGPL-2.1-or-later
"""Base classes of test cases, one for each subject, and the helpers that only they use."""
