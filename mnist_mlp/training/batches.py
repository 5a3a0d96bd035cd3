"""What the models learn from: batches of drawn images and their targets."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mnist_mlp.network import LAYERS
from mnist_mlp.training.models import CLASSES
from mnist_mlp.training.redraw import Draw

TEACHER_SHARE = 0.7  # of the target; the rest is the label
DISTILLATION_TEMPERATURE = 2.5


def batches(
    draw: Draw,
    steps: int,
    batch_size: int,
    echoes: int,
    first_epoch: int = 0,
    teacher: keras.Model | None = None,
) -> tf.data.Dataset:
    """Endless batches of drawn images and their targets, (n, 784) and (n, 11).

    Images are drawn for one epoch and used in `echoes` of them, shuffled each time (data echoing: Choi,
    Passos, Shallue and Dahl 2019). Seed and number determine a batch.

    Args:
        draw: from `redraw.drawing`.
        steps: batches an epoch.
        first_epoch: where to begin; a multiple of `echoes`.
        teacher: for distillation (Hinton, Vinyals and Dean 2015); without one the target is the label.
    """

    def batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x, label = draw(number, batch_size)
        y = tf.one_hot(label, CLASSES)
        if teacher:
            soft = tf.nn.softmax(teacher(x)["teacher"] / DISTILLATION_TEMPERATURE)
            y += TEACHER_SHARE * (soft - y)
        return x, y

    def echo(cycle: tf.Tensor, drawn: tuple[tf.Tensor, tf.Tensor]) -> tf.data.Dataset:
        x, y = tf.reshape(drawn[0], [-1, LAYERS[0]]), tf.reshape(drawn[1], [-1, CLASSES])

        def one_epoch(time: tf.Tensor) -> tf.data.Dataset:
            order = tf.random.experimental.stateless_shuffle(tf.range(steps * batch_size), [cycle, time])
            return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [steps, batch_size]))

        orders = tf.data.Dataset.range(echoes).flat_map(one_epoch)
        return orders.map(lambda i: (tf.gather(x, i), tf.gather(y, i)), num_parallel_calls=2)

    cycle = first_epoch // echoes
    dataset = tf.data.Dataset.range(cycle * steps, np.iinfo(np.int32).max)
    dataset = dataset.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(steps, True)
    return dataset.prefetch(1).enumerate(cycle).flat_map(echo).prefetch(2)
