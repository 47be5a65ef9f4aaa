"""`tensorflow.examples.tutorials.mnist.input_data` of TensorFlow 1: the same arrays, batches and random draws."""

import gzip
import os
import struct
import sys
from typing import Any, List, NamedTuple, Optional, Tuple

DEFAULT_SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_IMAGES, _LABELS = 2051, 2049
_FILES = (
    ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
)


class Datasets(NamedTuple):
    """What `read_data_sets` gives."""

    train: Any
    validation: Any
    test: Any


def extract_images(f: Any) -> Any:
    """The images of an open file as uint8: number, row, column, 1."""
    return _extract(f, _IMAGES)[..., None]


def extract_labels(f: Any, one_hot: bool = False, num_classes: int = 10) -> Any:
    """The labels of an open file as uint8, or as rows of zeros and a one."""
    labels = _extract(f, _LABELS)
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


def dense_to_one_hot(labels_dense: Any, num_classes: int) -> Any:
    """Rows of zeros, with a one at the label."""
    import numpy

    rows = numpy.zeros((labels_dense.shape[0], num_classes))
    rows[numpy.arange(labels_dense.shape[0]), labels_dense.ravel()] = 1
    return rows


def _extract(f: Any, magic: int) -> Any:
    import numpy

    print("Extracting", f.name)
    with gzip.GzipFile(fileobj=f) as stream:
        (found,) = struct.unpack(">I", stream.read(4))
        if found != magic:
            kind = "image" if magic == _IMAGES else "label"
            raise ValueError("Invalid magic number {} in MNIST {} file: {}".format(found, kind, f.name))
        axes = found & 0xFF
        shape = struct.unpack(">{}I".format(axes), stream.read(4 * axes))
        return numpy.frombuffer(stream.read(), dtype=numpy.uint8).reshape(shape)


class DataSet:
    """Images and labels that are given out in batches, in another order for each epoch."""

    def __init__(
        self,
        images: Any,
        labels: Any,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = "float32",
        reshape: bool = True,
        seed: Optional[int] = None,
    ) -> None:
        import numpy

        numpy.random.seed(_numpy_seed(seed))
        name = getattr(dtype, "name", dtype)
        if name not in ("uint8", "float32"):
            raise TypeError("Invalid image dtype {!r}, expected uint8 or float32".format(dtype))
        self.one_hot = one_hot
        self._count = 10000 if fake_data else images.shape[0]
        if not fake_data:
            if images.shape[0] != labels.shape[0]:
                raise AssertionError("images.shape: {} labels.shape: {}".format(images.shape, labels.shape))
            images = images.reshape(images.shape[0], -1) if reshape else images
            if name == "float32":
                images = numpy.multiply(images.astype(numpy.float32), numpy.float32(1.0 / 255.0))
        self._images = images
        self._labels = labels
        self._epochs = 0
        self._position = 0

    @property
    def images(self) -> Any:
        """All images, in the order of this epoch."""
        return self._images

    @property
    def labels(self) -> Any:
        """All labels, in the order of this epoch."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """How many there are."""
        return int(self._count)

    @property
    def epochs_completed(self) -> int:
        """How often all were given out."""
        return self._epochs

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> Tuple[Any, Any]:
        """The next images and labels."""
        import numpy

        if fake_data:
            label: Any = [1] + [0] * 9 if self.one_hot else 0
            return [[1] * 784 for _ in range(batch_size)], [label for _ in range(batch_size)]
        start = self._position
        if self._epochs == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self._count:
            self._position = start + batch_size
            return self._images[start : self._position], self._labels[start : self._position]
        self._epochs += 1
        rest = self._images[start:], self._labels[start:]
        if shuffle:
            self._shuffle()
        self._position = batch_size - (self._count - start)
        more = self._images[: self._position], self._labels[: self._position]
        return numpy.concatenate((rest[0], more[0])), numpy.concatenate((rest[1], more[1]))

    def _shuffle(self) -> None:
        import numpy

        order = numpy.arange(self._count)
        numpy.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]


def _numpy_seed(seed: Optional[int]) -> Optional[int]:
    """As TensorFlow 1 chose it: the seed, mixed with the graph's where that has one, else the graph's."""
    tf: Any = sys.modules["tensorflow"]
    graph_seed, own_seed = tf.compat.v1.get_seed(seed)
    chosen: Optional[int] = graph_seed if seed is None else own_seed
    return chosen


def read_data_sets(
    train_dir: str,
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = "float32",
    reshape: bool = True,
    validation_size: int = 5000,
    seed: Optional[int] = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """Training, validation and test data from a folder; files that it lacks are fetched."""
    if fake_data:
        return Datasets(*(DataSet([], [], True, one_hot, dtype, seed=seed) for _ in range(3)))
    found: List[Any] = []
    for images_name, labels_name in _FILES:
        with open(_find(images_name, train_dir, source_url), "rb") as stream:
            images = extract_images(stream)
        with open(_find(labels_name, train_dir, source_url), "rb") as stream:
            found.append((images, extract_labels(stream, one_hot=one_hot)))
    (images, labels), test = found
    if not 0 <= validation_size <= len(images):
        message = "Validation size should be between 0 and {}. Received: {}."
        raise ValueError(message.format(len(images), validation_size))
    parts = [
        (images[validation_size:], labels[validation_size:]),
        (images[:validation_size], labels[:validation_size]),
        test,
    ]
    return Datasets(*(DataSet(one, other, dtype=dtype, reshape=reshape, seed=seed) for one, other in parts))


def _find(name: str, folder: str, source_url: str) -> str:
    """The file in the folder, fetched if it is not there."""
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        from urllib.request import urlretrieve

        os.makedirs(folder or ".", exist_ok=True)
        urlretrieve((source_url or DEFAULT_SOURCE_URL) + name, path + ".part")
        os.replace(path + ".part", path)
        print("Successfully downloaded", name, os.path.getsize(path), "bytes.")
    return path
