"""The built-in networks, one per file: `network.architecture: caffenet-mini` is built by caffenet_mini.py.

Such a file defines `build(size, classes)`, which returns the network as a torch.nn.Sequential of named layers for
square images of `size` x `size` pixels, and PIXEL_SCALE, the factor that pixels are multiplied by after the mean image
is subtracted from 0..255.
"""
