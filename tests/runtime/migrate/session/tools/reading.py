import numpy as np


def read(path):
    rows = np.loadtxt(path, delimiter=",", dtype=np.float32)
    return rows[:, :3], rows[:, 3:]
