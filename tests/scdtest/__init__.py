# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers of the tests, the demo and the benchmark.

testbed: starts and stops the programs under test. clients: programs that use them. fakes: stand-ins
for other parts. cases: base classes of tests. Each may import those before it, not those after it.

Importing a module has no effect but on memory, so that a test imports all it needs at its top;
it enters its private namespace later, in case.main().
"""
