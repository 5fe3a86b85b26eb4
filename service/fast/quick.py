"""What may be answered on the event loop itself, where it takes less than handing it to a thread.

Small bodies, with few and small pictures or rows, for a model that answers soon: while the loop works, nobody else of
this worker is answered.
"""

SMALL_BODY, FEW_IMAGES, FEW_PIXELS = 8192, 4, 65_536
QUICK_SECONDS = 0.005
