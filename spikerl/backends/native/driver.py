"""The loop over instances, steps and kernels: itself a kernel, the same for every network."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from spikerl.backends.native.pointers import BATCH, STEP, WITHIN, address, call, integers


def drive(p, n, r, now):
    """Run all kernels in order, step by step, one instance after the other, so that a circuit stays in cache.

    p: addresses of kernels [kernel]; the address of each array in instance 0, and the bytes to the next instance (0
    for what they share), both [array]; where the arrays, integers and reals of a kernel begin, each [kernel]; all
    integers; all reals; room for the addresses in one instance [array].
    n: kernels, arrays, first instance, the one after the last, first step, steps, size of the batch.
    """
    kernels, arrays, strides = integers(p[0]), integers(p[1]), integers(p[2])
    first_array, first_integer, first_real = integers(p[3]), integers(p[4]), integers(p[5])
    here = integers(p[8])
    now[BATCH] = n[6]
    for instance in range(n[2], n[3]):
        for k in range(n[1]):
            here[k] = arrays[k] + instance * strides[k] if arrays[k] != 0 else 0
        for within in range(n[5]):
            now[STEP] = n[4] + within
            now[WITHIN] = within
            for k in range(n[0]):
                call(
                    kernels[k],
                    p[8] + 8 * first_array[k],
                    p[6] + 8 * first_integer[k],
                    p[7] + 8 * first_real[k],
                    address(now),
                )
