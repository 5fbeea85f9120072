"""The error of comparing arms on finitely many validation images, to the extent that all blocks share these images.

Blocks that are tested on the same images share the luck of these: more blocks do not average it out. It is estimated by
products of different blocks, image by image (or group by group, or, on splits of classes, class by class), which leave
out the luck of single networks: the spread between blocks already has that (two-way clustering, Cameron, Gelbach &
Miller 2011). Arms err on the same images, and the variance of a difference is that of the pairs.

If outcomes are not known, the variance is a share of that of networks that err independently (`image_errors`).
"""

import numpy as np


def shared_variance(influence: np.ndarray) -> np.ndarray:
    """Return the variance of the difference of two arms' means that all blocks share (arms, arms).

    `influence` (arms, blocks, units) is what each image, group or class adds to the accuracy of an arm in a block,
    beyond its share: (right - accuracy) / images for an image. Variances below 0 are raised to 0.
    """
    blocks = influence.shape[1]
    means = influence.mean(axis=1)
    own = np.einsum("ibu,jbu->ij", influence, influence) / blocks**2
    covariance = (means @ means.T - own) * blocks / (blocks - 1)
    own_variance = np.diag(covariance)
    return np.maximum(0, own_variance[:, None] + own_variance[None] - 2 * covariance)


def independent_variance(mean: np.ndarray, images: int, share: np.ndarray) -> np.ndarray:
    """Return the variance (arms, arms) of arms that err independently, times the larger `share` of the two arms."""
    binomial = mean * (1 - mean) / images
    variance = np.maximum(share[:, None], share[None]) * (binomial[:, None] + binomial[None])
    np.fill_diagonal(variance, 0)
    return variance


def one_more_image(images: int) -> float:
    """Return the variance that one more image adds if only one of two arms has it right (after Agresti & Min 2005).

    It is added to all differences: arms that agree on all images of a small set need not agree on others.
    """
    return 1 / images**2
