# tensorflow: 2.21
# rule: parallel-order
# first: inputs *
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(9)


class Batches(tf.keras.utils.PyDataset):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        work = sum(i % 3 for i in range(20000 * (1 + index % 2)))
        x = np.random.normal(size=(8, 3)) + (work % 2) * 0
        return x.astype("float32"), x[:, :1].astype("float32")


model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(Batches(workers=4, max_queue_size=8), epochs=1, shuffle=False, verbose=0)
