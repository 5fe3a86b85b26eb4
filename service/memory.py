"""What the C library does with memory that is free again."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# What a picture of 350,000 pixels takes as RGB.
LARGE_BYTES = 1 << 20
# What may lie free at the end of the heap. By itself it would be a tenth of a megabyte: a request of some hundred
# kilobytes would take it from the system and give it back each time, which clears all of its pages.
KEPT_BYTES = 1 << 20


def return_large_blocks() -> None:
    """Have glibc give blocks from a megabyte on back to the system as soon as they are free.

    Left alone it learns from the first large picture to keep such blocks, and between what is in use they leave gaps
    that nothing fits: after some thousand pictures of all sizes a worker had 300 MB, and so it has 100
    (docs/serving.md). Another C library is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
