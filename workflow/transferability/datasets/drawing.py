"""The built-in image set: pictures whose appearance is inherited along WordNet's hypernyms.

Every synset has a vector of appearance genes: the mean of its hypernyms' genes plus a mutation seeded by its wnid. So
classes that are near in WordNet look alike, and man-made things differ from natural ones. A class's genes determine a
shape, a texture, colours and a background; every picture adds its own pose, light, clutter and noise.

Different properties distinguish the classes of each side: under `organism` shapes are lobed, colours strong and
textures alike; elsewhere shapes are polygonal, colours dull and textures of every kind. So features learned on one side
transfer to the other less well than those learned on a random half.
"""

import networkx as nx
import numpy as np

from transferability.common.seeds import derive_seed

GENES = 24
MUTATION = 1.0  # standard deviation of a synset's genes around the mean of its hypernyms'


def inherit_genes(graph: nx.DiGraph, seed: int) -> dict[str, np.ndarray]:
    """Return the genes of every synset of a hypernym graph: float64 vectors of length GENES."""
    genes: dict[str, np.ndarray] = {}
    for wnid in reversed(list(nx.topological_sort(graph))):  # hypernyms first
        mutation = np.random.default_rng(derive_seed(seed, "pictures", wnid)).normal(0, MUTATION, GENES)
        above = [genes[hypernym] for hypernym in sorted(graph.successors(wnid))]
        genes[wnid] = mutation + (np.mean(above, axis=0) if above else 0)
    return genes


def draw_pictures(genes: np.ndarray, lobed: bool, count: int, size: int, generator: np.random.Generator) -> np.ndarray:
    """Draw `count` pictures of one class: uint8 of shape (count, size, size, 3), RGB."""
    look = _Look(genes, lobed)
    u, v = _coordinates(count, size, generator)
    distance = look.distance(u, v)
    outside = _edge(distance, size)
    if look.hollow:
        outside = np.maximum(outside, _edge(-(distance + 0.32), size))
    texture = look.texture(u, v)[..., None]
    hue = generator.normal(0, 0.03, (count, 1, 1, 1))
    ink = (
        _rgb(look.hues[0] + hue, look.saturation) * (1 - texture) + _rgb(look.hues[1] + hue, look.saturation) * texture
    )
    ground = _background(look, count, size, generator)
    picture = ink * (1 - outside[..., None]) + ground * outside[..., None]
    picture = _clutter(picture, generator)
    picture = picture * generator.uniform(0.6, 1.2, (count, 1, 1, 1)) + generator.normal(0, 0.05, (count, 1, 1, 3))
    picture += generator.normal(0, 0.03, picture.shape)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


class _Look:
    """The appearance that a class's genes encode. Genes are first squashed to (0, 1), so all classes stay in range."""

    def __init__(self, genes: np.ndarray, lobed: bool):
        share = 1 / (1 + np.exp(-genes))
        self.lobed = lobed
        self.corners = 3 + int(6 * share[0])
        self.depth = 0.1 + 0.4 * share[1]
        self.harmonics = 0.25 * (share[2:5] - 0.5)
        self.hollow = share[5] > 0.62
        self.aspect = np.exp(0.9 * (share[6] - 0.5))
        self.stripes, self.rings, self.checks = np.exp(3 * share[7:10]) / np.exp(3 * share[7:10]).sum()
        self.hues = share[12] * 1.2, share[13] * 1.2
        if lobed:
            self.frequency = 2.5 + 3 * share[10]
            self.orientation = np.pi * (0.1 + 0.5 * share[11])
            self.saturation = 0.6 + 0.35 * share[14]
            self.sharpness = 1 + 5 * share[15]
        else:
            self.frequency = 2 + 8 * share[10]
            self.orientation = 1.5 * np.pi * share[11]
            self.saturation = 0.1 + 0.15 * share[14]
            self.sharpness = 3 + 5 * share[15]
        self.ground_hue = share[16] * 1.2
        self.ground_frequency = 1 + 4 * share[17]
        self.ground_orientation = np.pi * share[18]
        self.ground_contrast = 0.05 + 0.3 * share[19]

    def distance(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Signed distance from the outline, in units of about the shape's radius; negative inside."""
        radius, angle = np.hypot(u * self.aspect, v / self.aspect), np.arctan2(v / self.aspect, u * self.aspect)
        if self.lobed:
            outline = 1 + self.depth * np.cos(self.corners * angle)
            outline += sum(h * np.cos((k + 2) * angle + k) for k, h in enumerate(self.harmonics))
        else:
            sector = 2 * np.pi / self.corners
            outline = np.cos(sector / 2) / np.cos(np.mod(angle, sector) - sector / 2) * (1.1 + self.harmonics[0])
            outline *= 1 + self.harmonics[1] * np.sign(np.cos(2 * angle))
        return radius - outline

    def texture(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Share of the second colour at each point, 0 to 1."""
        c, s = np.cos(self.orientation), np.sin(self.orientation)
        x, y = self.frequency * (c * u + s * v), self.frequency * (c * v - s * u)
        wave = self.stripes * np.sin(x) + self.rings * np.sin(np.hypot(x, y)) + self.checks * np.sin(x) * np.sin(y)
        return 1 / (1 + np.exp(-self.sharpness * wave))


def _coordinates(count: int, size: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of `count` poses in the shape's own frame, in its radii: two arrays (count, size, size)."""
    y, x = np.mgrid[0:size, 0:size] / (size - 1) * 2 - 1
    x = x - generator.uniform(-0.2, 0.2, (count, 1, 1))
    y = y - generator.uniform(-0.2, 0.2, (count, 1, 1))
    scale = generator.uniform(0.5, 0.75, (count, 1, 1))
    angle = generator.normal(0, 0.2, (count, 1, 1))
    return (np.cos(angle) * x + np.sin(angle) * y) / scale, (np.cos(angle) * y - np.sin(angle) * x) / scale


def _edge(distance: np.ndarray, size: int) -> np.ndarray:
    """A mask that is 0 inside and 1 outside, with a transition of about one pixel."""
    return 1 / (1 + np.exp(-np.clip(distance * size / 2, -30, 30)))


def _rgb(hue, saturation: float) -> np.ndarray:
    """Colours of full value; `hue` is in turns, broadcast over a last axis of length 1."""
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (np.asarray(hue) - np.array([0, 1 / 3, 2 / 3])))
    return 1 - saturation * (1 - wheel)


def _background(look: _Look, count: int, size: int, generator: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size] / size
    angle = look.ground_orientation + generator.normal(0, 0.3, (count, 1, 1))
    phase = generator.uniform(0, 2 * np.pi, (count, 1, 1))
    wave = np.sin(2 * np.pi * look.ground_frequency * (np.cos(angle) * x + np.sin(angle) * y) + phase)
    hue = look.ground_hue + generator.normal(0, 0.08, (count, 1, 1, 1))
    return 0.75 * _rgb(hue, 0.5) * (1 + look.ground_contrast * wave[..., None])


def _clutter(picture: np.ndarray, generator: np.random.Generator, blobs: int = 2) -> np.ndarray:
    """Draw a few soft discs of random colours over each picture."""
    count, size = picture.shape[:2]
    y, x = np.mgrid[0:size, 0:size] / size
    for _ in range(blobs):
        cx, cy = generator.uniform(0, 1, (2, count, 1, 1))
        radius = generator.uniform(0.04, 0.16, (count, 1, 1))
        cover = 1 - _edge((np.hypot(x - cx, y - cy) - radius) * 2, size)[..., None]
        picture = picture * (1 - cover) + _rgb(generator.uniform(0, 1, (count, 1, 1, 1)), 0.7) * cover
    return picture
