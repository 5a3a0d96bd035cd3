"""The panel under the pad: what happens inside the network, in numbers, pictures and lines."""

from mnist_mlp.page.panel.panel import Panel, pack, with_unit

__all__ = ["Panel", "pack", "with_unit"]
