import itertools


def iterate(points, size):
    rows = zip(points["x"], points["y"])
    for start in xrange(0, len(rows), size):
        part = rows[start:start + size]
        yield map(lambda row: row[0], part), [row for row in itertools.imap(lambda row: row[1], part)]


def fail(size):
    half = size
    half /= 2
    raise ValueError, "half of %d is %r" % (size, half)
