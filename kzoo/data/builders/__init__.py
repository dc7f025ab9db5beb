"""kzoo's own builders for TensorFlow Datasets (TFDS); nothing is imported here, because each imports TFDS."""
