"""Local picture work: reading what arrives, fitting what is sent, the free steps, lettering. Pillow stays in here.

Every function is blocking and holds no state; call it in a worker thread.
"""
