"""The road from a single unit to the convolutional network, as stations that run in the terminal.

A station is a module of this package with a function `lesson()`: it yields what there is to read, and the pictures,
in the order in which they are to be met. Every figure in it is computed while it is told.
"""

STATIONS = {
    "activations": "the unit and its activation function: step, sigmoid, tanh, relu, softmax",
    "perceptron": "the perceptron: a line that moves until it separates two kinds of points",
    "linear": "the linear unit: the same rule, for numbers instead of yes and no",
    "descent": "gradient descent: one example, a mini-batch or all of them at each step",
    "backpropagation": "the fully connected network: deltas go back through it, and XOR is learned",
    "sharing": "the convolutional network: shared weights, feature maps, sub-sampling",
}
