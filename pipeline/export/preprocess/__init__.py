"""preprocess.onnx: from any decoded picture, image uint8 [h,w,3], to pixels uint8 [1,C,H,W] like the training data's.

`ink` is for drawings (`mnist` and `digits` are its presets), `photo` for photographs. Transparency is composited on
white before, by whoever decodes.
"""

from pipeline.export.preprocess.ink import digits, ink, mnist
from pipeline.export.preprocess.photo import photo

__all__ = ["digits", "ink", "mnist", "photo"]
