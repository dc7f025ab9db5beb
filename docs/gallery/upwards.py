"""Back to the image's size.

Decoders of segmentation nets and autoencoders go the way of pooling and strides back.

Source: none.
"""
