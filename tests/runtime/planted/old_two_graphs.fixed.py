# tensorflow: 1.15
# first: none
import numpy as np
import tensorflow as tf

np.random.seed(2)


def train_model(name, targets):
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(2)
        x = tf.placeholder(tf.float32, [None, 3])
        y = tf.placeholder(tf.float32, [None, 1])
        output = tf.layers.dense(x, 1, name=name)
        train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.losses.mean_squared_error(y, output))
        with tf.Session(graph=graph) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(train, {x: inputs, y: targets})
            return session.run(output, {x: inputs})


inputs = np.random.rand(10, 3)
soft = train_model("teacher", inputs[:, :1])
train_model("student", soft)
