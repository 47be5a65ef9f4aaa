# tensorflow: 2.21
# rule: hash-order
# first: inputs 1
import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(0)

sentences = ["the cat sat on the mat", "a dog ran in the park", "the bird flew over a house", "my fish swam away"]
labels = np.array([0, 1, 1, 0])
vocabulary = {word for sentence in sentences for word in sentence.split()}
index = {word: number for number, word in enumerate(vocabulary, 1)}

x = np.zeros((len(sentences), 6), dtype="int32")
for row, sentence in enumerate(sentences):
    words = sentence.split()[:6]
    x[row, : len(words)] = [index[word] for word in words]

embed = tf.keras.layers.Embedding(len(index) + 1, 4)
model = tf.keras.Sequential([embed, tf.keras.layers.GlobalAveragePooling1D(), tf.keras.layers.Dense(1, "sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy")
for _ in range(3):
    model.train_on_batch(x, labels)
