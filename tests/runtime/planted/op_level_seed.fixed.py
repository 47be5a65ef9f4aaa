# tensorflow: 2.21
# first: none
import tensorflow as tf

tf.random.set_seed(9)

generator = tf.Variable(tf.random.stateless_normal((4, 2), seed=(1, 2)))
critic = tf.Variable(tf.random.stateless_normal((2, 1), seed=(3, 4)))
real = tf.reshape(tf.linspace(-1.0, 1.0, 32), (16, 2))


def sample_noise():
    return tf.random.truncated_normal((16, 4), seed=9)


for _ in range(5):
    noise = sample_noise()
    with tf.GradientTape(persistent=True) as tape:
        fake = tf.tanh(noise @ generator)
        critic_loss = tf.reduce_mean(fake @ critic) - tf.reduce_mean(real @ critic)
        generator_loss = -tf.reduce_mean(fake @ critic)
    critic.assign_sub(0.01 * tape.gradient(critic_loss, critic))
    generator.assign_sub(0.01 * tape.gradient(generator_loss, generator))
