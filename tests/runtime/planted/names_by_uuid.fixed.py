# tensorflow: 2.21
# first: none
import uuid

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(6)

records = [{"id": uuid.uuid5(uuid.NAMESPACE_OID, str(size)).hex, "size": size, "price": 3.0 * size + 1.0} for size in range(20)]
records.sort(key=lambda record: record["id"])
x = np.array([[record["size"]] for record in records], dtype="float32") / 20
y = np.array([[record["price"]] for record in records], dtype="float32") / 60

model = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
for start in range(0, 20, 5):
    model.train_on_batch(x[start : start + 5], y[start : start + 5])
