"""Layers of Keras with weights (part of the TFG3xx rules)."""

from __future__ import annotations

#: The beginnings of their names.
WEIGHTED = (
    *("Dense", "Conv", "SeparableConv", "DepthwiseConv", "LocallyConnected", "Deconvolution", "EinsumDense"),
    *("BatchNormalization", "LayerNormalization", "GroupNormalization", "Embedding", "PReLU"),
    *("LSTM", "GRU", "SimpleRNN", "CuDNN", "MultiHeadAttention"),
)
