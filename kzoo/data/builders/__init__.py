"""kzoo's own TensorFlow Datasets builders; nothing is imported here, because each one needs TensorFlow Datasets.

Source: none.
"""
