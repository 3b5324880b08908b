"""A strict stand-in for Huawei's pyACL, for tests: it checks how it is used, and computes with ONNX's reference.

What it does rests on:

- HARDWARE's table of calls and Huawei's own public sources: names, arity, the kinds of arguments, what is returned and
  in which order, codes of errors, the rules of contexts, copies, gears and profiling, and the header of .om files;
- assumptions, chosen so that a program that is right on the real one is right here, and stricter where the sources
  do not say: that memory freed while work uses it, handles used after their end, a model or stream used in another
  context, a context that ends before its streams and models, a device that is reset before its contexts, a process
  that ends without ``acl.finalize`` or uses AscendCL after a fork are misuse, which the ledger tells; that
  ``acl.rt.free`` needs a current context and ``free_host`` none; that a context is created on a device that is set;
  that a program on the device's own processor copies with kind 3 alone; that ``get_output_dims`` of a model with gears
  tells the largest one; that old generations differ by ``_api.OLD_CODES`` and by the functions marked ``+``;
- inventions: all times (``event_elapsed_time``, operators), sizes of workspaces, utilisation, the texts after the
  codes in messages, and what the partitions of a .om file contain.
"""

from __future__ import annotations

import sys

from . import _account
from ._publish import publish

fake_begin, fake_report, fake_settings = _account.begin, _account.report, _account.settings
fake_reset = _account.reset

publish(sys.modules[__name__])
