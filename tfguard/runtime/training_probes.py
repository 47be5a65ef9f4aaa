"""Small trainings with Keras, on whatever backend it has, whose final weights show whether a machine repeats itself."""

from typing import Any, Callable, Dict, List, NamedTuple

#: Layers from a Keras, and inputs from NumPy.
Layers = Callable[[Any], List[Any]]
Inputs = Callable[[Any], Any]


class Training(NamedTuple):
    """Layers but the last, and the inputs."""

    layers: Layers
    inputs: Inputs


def images(np: Any) -> Any:
    """Noise."""
    return np.random.RandomState(7).standard_normal((128, 12, 12, 3)).astype("float32")


def sentences(np: Any) -> Any:
    """Numbers of words."""
    return (np.arange(64 * 10).reshape(64, 10) * 7 % 50).astype("int32")


def convolutional(keras: Any) -> List[Any]:
    layers = keras.layers
    pool = [layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5)]
    return [layers.Conv2D(8, 3), layers.BatchNormalization(), layers.Activation("relu"), *pool]


def recurrent(keras: Any) -> List[Any]:
    return [keras.layers.Embedding(50, 8), keras.layers.LSTM(8)]


TRAININGS: Dict[str, Training] = {
    "training, convolutional": Training(convolutional, images),
    "training, recurrent": Training(recurrent, sentences),
}


def train(keras: Any, np: Any, training: Training, *, compiled: bool) -> List[Any]:
    """The weights after two epochs."""
    inputs = training.inputs(np)
    model = keras.Sequential([*training.layers(keras), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse", **({"jit_compile": True} if compiled else {}))
    targets = inputs.reshape(len(inputs), -1).mean(axis=1).astype("float32")
    model.fit(inputs, targets, batch_size=16, epochs=2, verbose=0)
    return [np.asarray(value) for value in model.get_weights()]


def seed_everything(keras: Any, tf: Any, np: Any, seed: int) -> None:
    """By what this Keras has: `set_random_seed` seeds all, and came with 2.7."""
    import random

    keras.backend.clear_session()
    random.seed(seed)
    np.random.seed(seed)
    seed_all = getattr(keras.utils, "set_random_seed", None)
    if seed_all is not None:
        seed_all(seed)
    elif tf is not None:
        tf.random.set_seed(seed)
