"""A device for machines that have none: its tensors are real, but whatever mixes them with the CPU's fails, as with a
graphics card's.

They say that they are on torch's "meta" device, which has no numbers of its own; here they have, on the CPU, where
nothing but operations finds them.  Inside of `elsewhere`, `.to("meta")` and `device="meta"` make them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

ELSEWHERE = "meta"
aten = torch.ops.aten
TOLD = (aten._local_scalar_dense.default, aten.equal.default, aten.is_nonzero.default)  # what gives no tensor


@contextmanager
def elsewhere() -> Iterator[None]:
    """As long as it lasts, in this thread."""
    with _Operations(), _Making():  # type: ignore[no-untyped-call]
        yield


class _Making(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Numbers become tensors without an operation that could be seen below."""
        kwargs = kwargs or {}
        if func is Tensor.new_tensor and isinstance(args[0], There):
            return There(args[0].held.new_tensor(*args[1:], **kwargs))
        if func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], Tensor):
            made = func(*args, **{name: value for name, value in kwargs.items() if name != "device"})
            return made.to(kwargs.get("device"))
        return func(*args, **kwargs)


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class There(Tensor):
    """A tensor on it."""

    held: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> There:
        is_sparse = inner.layout != torch.strided
        strides = None if is_sparse else inner.stride()
        made: There = Tensor._make_wrapper_subclass(
            cls, inner.shape, strides, dtype=inner.dtype, layout=inner.layout, device=torch.device(ELSEWHERE)
        )
        made.held = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    flat, _ = tree_flatten((args, kwargs))
    there = [one for one in flat if isinstance(one, There)]
    here = [one for one in flat if isinstance(one, Tensor) and not isinstance(one, There)]
    asked = torch.device(kwargs["device"]).type if kwargs.get("device") is not None else None
    if there and any(one.dim() for one in here) and func is not aten.copy_.default:
        raise RuntimeError(f"{func} of tensors on the CPU and elsewhere: {[tuple(one.shape) for one in here]}")
    if asked == ELSEWHERE:
        kwargs = kwargs | {"device": "cpu"}
    inner_args, inner_kwargs = tree_map(lambda one: one.held if isinstance(one, There) else one, (args, kwargs))
    result = func(*inner_args, **inner_kwargs)
    if func is aten.squeeze_.dim and there:  # as of a vector times a matrix: the wrapper changes its shape too
        with torch._C._DisableTorchDispatch():
            func(*args, **kwargs)
    if func in TOLD or not (there or asked == ELSEWHERE) or (there and asked == "cpu"):
        return result
    wrapped = {id(one.held): one for one in there}  # what works in place gives its own tensor back
    return tree_map(
        lambda one: (wrapped[id(one)] if id(one) in wrapped else There(one)) if isinstance(one, Tensor) else one, result
    )
