"""`tf.contrib.rnn` of TensorFlow 1, as far as `tf.compat.v1` still has it; the cells need Keras 2."""

from importlib import import_module
from typing import Any

_tf: Any = import_module("tensorflow.compat.v1")
_cells: Any = import_module("tensorflow.compat.v1.nn.rnn_cell")

BasicLSTMCell = _cells.BasicLSTMCell
BasicRNNCell = _cells.BasicRNNCell
DeviceWrapper = _cells.DeviceWrapper
DropoutWrapper = _cells.DropoutWrapper
GRUCell = _cells.GRUCell
LSTMCell = _cells.LSTMCell
LSTMStateTuple = _cells.LSTMStateTuple
MultiRNNCell = _cells.MultiRNNCell
RNNCell = _cells.RNNCell
ResidualWrapper = _cells.ResidualWrapper
static_bidirectional_rnn = _tf.nn.static_bidirectional_rnn
static_rnn = _tf.nn.static_rnn
