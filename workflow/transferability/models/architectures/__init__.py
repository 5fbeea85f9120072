"""The networks of the house, a file each: `network.architecture: caffenet-mini` is built by caffenet_mini.py.

Such a file has `build(size, classes)`, which gives the network as a torch.nn.Sequential of named layers for square
images of `size` pixels, and PIXEL_SCALE, by which pixels 0..255, less the mean image, are multiplied.
"""
