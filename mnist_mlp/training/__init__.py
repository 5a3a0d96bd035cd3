"""Training: MNIST, the redrawn digits, the Keras models, the report and the model card."""
