"""What may be answered on the event loop itself, where it takes less than handing it to a thread.

Bodies that are not large, with small pictures or few rows, for a model that answers soon: while the loop works, nobody
else of this worker is answered.
"""

SMALL_BODY, FEW_IMAGES, FEW_PIXELS = 131_072, 32, 16_384
QUICK_SECONDS = 0.01
