"""Where the blocks of the network stand in its figure, and what flows between them."""

from discern.model.drawing import TIMES, Point

BACKBONE, DOWN, UP, HEAD = 0.0, 3.0, 5.8, 8.6  # x of the columns
WIDTH, HEIGHT = 2.1, 0.62
PLACES: dict[str, Point] = {
    "backbone.stem": (BACKBONE, 0.0),
    "backbone.stages.0.0": (BACKBONE, 0.9),
    "backbone.stages.0.1": (BACKBONE, 1.8),
    "backbone.stages.1.0": (BACKBONE, 2.7),
    "backbone.stages.1.1": (BACKBONE, 3.6),
    "backbone.stages.2.0": (BACKBONE, 5.4),
    "backbone.stages.2.1": (BACKBONE, 7.2),
    "backbone.stages.3.0": (BACKBONE, 8.1),
    "backbone.stages.3.1": (BACKBONE, 9.0),
    "backbone.sppf": (BACKBONE, 9.9),
    "neck.reduce_coarse": (DOWN, 9.9),
    "neck.down_middle": (DOWN, 6.3),
    "neck.reduce_middle": (DOWN, 5.4),
    "neck.out_fine": (UP, 3.6),
    "neck.stride_fine": (UP, 4.5),
    "neck.out_middle": (UP, 6.3),
    "neck.stride_middle": (UP, 8.1),
    "neck.out_coarse": (UP, 10.8),
    "head.predictions.0": (HEAD, 3.6),
    "head.predictions.1": (HEAD, 6.3),
    "head.predictions.2": (HEAD, 10.8),
}
"""Where each block of the module tree stands in the figure; a new block must find its place."""

UPSAMPLES: dict[str, Point] = {
    "upsample coarse": (DOWN, 8.55),
    "upsample middle": (DOWN, 4.5),
}
JOINS: dict[str, Point] = {
    "join middle down": (DOWN, 7.2),
    "join fine": (DOWN, 3.6),
    "join middle up": (UP, 5.4),
    "join coarse": (UP, 9.9),
}
EDGES = (
    ("backbone.stages.1.1", "join fine"),
    ("backbone.stages.2.1", "join middle down"),
    ("backbone.sppf", "neck.reduce_coarse"),
    ("neck.reduce_coarse", "upsample coarse"),
    ("neck.reduce_coarse", "join coarse"),
    ("upsample coarse", "join middle down"),
    ("join middle down", "neck.down_middle"),
    ("neck.down_middle", "neck.reduce_middle"),
    ("neck.reduce_middle", "upsample middle"),
    ("neck.reduce_middle", "join middle up"),
    ("upsample middle", "join fine"),
    ("join fine", "neck.out_fine"),
    ("neck.out_fine", "neck.stride_fine"),
    ("neck.out_fine", "head.predictions.0"),
    ("neck.stride_fine", "join middle up"),
    ("join middle up", "neck.out_middle"),
    ("neck.out_middle", "neck.stride_middle"),
    ("neck.out_middle", "head.predictions.1"),
    ("neck.stride_middle", "join coarse"),
    ("join coarse", "neck.out_coarse"),
    ("neck.out_coarse", "head.predictions.2"),
)
"""What flows where beyond the chain of the backbone; every edge is horizontal or vertical."""

HEADINGS = (
    ("Backbone", BACKBONE, -1.4),
    ("Neck, coarse to fine", DOWN, 2.75),
    ("Neck, fine to coarse", UP, 2.75),
    ("Head", HEAD, 2.75),
)
KEY = (
    (f"Conv k{TIMES}k / s", "convolution, batch norm, SiLU; step s"),
    (f"C3 {TIMES}n", "cross-stage block of n bottlenecks, right"),
    ("SPPF", "three maximum pools in a row, right"),
    ("a → b · p", "channels in and out, parameters"),
    (f"C   +   {TIMES}", "concatenation, sum, product"),
)
