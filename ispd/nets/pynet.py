"""PyNET: from a Bayer mosaic to the picture of another camera, five scales from coarse to fine.

Takes   (N, 4, H, W) by `pack_bayer`; H and W multiples of 16, 32 at least
Gives   (N, 3, 2H/2^level, 2W/2^level) in (0, 1): sRGB-encoded color for a screen
Source  A. Ignatov, L. Van Gool, R. Timofte, "Replacing Mobile Camera ISP with a Single Deep Learning Model",
        arXiv 2002.05509; written from a description of the published PyTorch variant's layers; names, order and shapes
        of all 542 tensors are those of its checkpoints
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from ispd.nets.blocks import Head, M, Multi, Run, Up, whole


class PyNet(nn.Module):
    """`level1_norm`: off in the class that was published, on in everything that was trained with it."""

    DEEPEST: ClassVar = 5
    MULTIPLE: ClassVar = 16  # of the packed sides
    SMALLEST: ClassVar = 32  # packed side

    def __init__(self, level: int = 0, level1_norm: bool = True) -> None:
        super().__init__()
        self.level = level
        self.conv_l1_d1 = Multi(4, 32, 3, norm=False)
        self.conv_l2_d1 = Multi(32, 64, 3)
        self.conv_l3_d1 = Multi(64, 128, 3)
        self.conv_l4_d1 = Multi(128, 256, 3)

        self.conv_l5_d1 = Multi(256, 512, 3)
        self.conv_l5_d2 = Multi(512, 512, 3)
        self.conv_l5_d3 = Multi(512, 512, 3)
        self.conv_l5_d4 = Multi(512, 512, 3)
        self.conv_t4a, self.conv_t4b = Up(512, 256), Up(512, 256)
        self.conv_l5_out = Head(512)

        self.conv_l4_d3 = Multi(512, 256, 3)
        self.conv_l4_d4 = Multi(256, 256, 3)
        self.conv_l4_d5 = Multi(256, 256, 3)
        self.conv_l4_d6 = Multi(256, 256, 3)
        self.conv_l4_d8 = Multi(512, 256, 3)
        self.conv_t3a, self.conv_t3b = Up(256, 128), Up(256, 128)
        self.conv_l4_out = Head(256)

        self.conv_l3_d3 = Multi(256, 128, 5)
        self.conv_l3_d4 = Multi(256, 128, 5)
        self.conv_l3_d5 = Multi(256, 128, 5)
        self.conv_l3_d6 = Multi(256, 128, 5)
        self.conv_l3_d8 = Multi(512, 128, 3)
        self.conv_t2a, self.conv_t2b = Up(128, 64), Up(128, 64)
        self.conv_l3_out = Head(128)

        self.conv_l2_d3 = Multi(128, 64, 5)
        self.conv_l2_d5 = Multi(192, 64, 7)
        self.conv_l2_d6 = Multi(192, 64, 7)
        self.conv_l2_d7 = Multi(192, 64, 7)
        self.conv_l2_d8 = Multi(192, 64, 7)
        self.conv_l2_d10 = Multi(256, 64, 5)
        self.conv_l2_d12 = Multi(192, 64, 3)
        self.conv_t1a, self.conv_t1b = Up(64, 32), Up(64, 32)
        self.conv_l2_out = Head(64)

        self.conv_l1_d3 = Multi(64, 32, 5, norm=False)
        self.conv_l1_d5 = Multi(96, 32, 7, level1_norm)
        self.conv_l1_d6 = Multi(96, 32, 9, level1_norm)
        self.conv_l1_d7 = Multi(128, 32, 9, level1_norm)
        self.conv_l1_d8 = Multi(128, 32, 9, level1_norm)
        self.conv_l1_d9 = Multi(128, 32, 9, level1_norm)
        self.conv_l1_d10 = Multi(128, 32, 7, level1_norm)
        self.conv_l1_d12 = Multi(128, 32, 5, level1_norm)
        self.conv_l1_d14 = Multi(128, 32, 3, norm=False)
        self.conv_l1_out = Head(32)
        self.conv_t0 = Up(32, 16)
        self.conv_l0_d1 = Head(16)

        self.pool1, self.pool2, self.pool3, self.pool4 = (nn.MaxPool2d(2) for _ in range(4))
        for number in range(self.DEEPEST + 1):
            self.add_module(f"output_l{number}", nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.flow(x, whole)

    def flow(self, x: M, run: Run[M]) -> M:
        """What flows where, from the packed mosaic to the picture of the network's level."""
        first = run(self.conv_l1_d1, x)
        second = run(self.conv_l2_d1, run(self.pool1, first))
        third = run(self.conv_l3_d1, run(self.pool2, second))
        fourth = run(self.conv_l4_d1, run(self.pool3, third))

        deep = run(self.conv_l5_d1, run(self.pool4, fourth))
        for module in (self.conv_l5_d2, self.conv_l5_d3, self.conv_l5_d4):
            deep = run(module, deep)
        if self.level == 5:
            return self._picture(5, self.conv_l5_out, deep, run)

        x = run(self.conv_l4_d3, fourth, run(self.conv_t4a, deep))
        del fourth  # maps are large: each goes as soon as nothing reads it any more
        x = run(self.conv_l4_d6, self._residual((self.conv_l4_d4, self.conv_l4_d5), x, run))
        deep = run(self.conv_l4_d8, x, run(self.conv_t4b, deep))
        if self.level == 4:
            return self._picture(4, self.conv_l4_out, deep, run)

        x = run.join(third, run(self.conv_t3a, deep))
        x = run(self.conv_l3_d6, self._residual((self.conv_l3_d3, self.conv_l3_d4, self.conv_l3_d5), x, run))
        deep = run(self.conv_l3_d8, x, third, run(self.conv_t3b, deep))
        del third
        if self.level == 3:
            return self._picture(3, self.conv_l3_out, deep, run)

        x = run.join(run(self.conv_l2_d3, second, run(self.conv_t2a, deep)), second)
        x = run(self.conv_l2_d8, self._residual((self.conv_l2_d5, self.conv_l2_d6, self.conv_l2_d7), x, run))
        x = run(self.conv_l2_d10, x, second)
        del second
        deep = run(self.conv_l2_d12, x, run(self.conv_t2b, deep))
        if self.level == 2:
            return self._picture(2, self.conv_l2_out, deep, run)

        x = run.join(run(self.conv_l1_d3, first, run(self.conv_t1a, deep)), first)
        for module in (self.conv_l1_d5, self.conv_l1_d6):
            x = run(module, x)
        x = self._residual((self.conv_l1_d7, self.conv_l1_d8, self.conv_l1_d9), x, run)
        x = run(self.conv_l1_d10, x)
        x = run(self.conv_l1_d12, x, first)
        deep = run(self.conv_l1_d14, x, run(self.conv_t1b, deep), first)
        del x, first
        if self.level == 1:
            return self._picture(1, self.conv_l1_out, deep, run)
        return self._picture(0, self.conv_l0_d1, run(self.conv_t0, deep), run)

    def _residual(self, modules: tuple[Multi, ...], x: M, run: Run[M]) -> M:
        for module in modules:
            x = run.sum(run(module, x), x)
        return x

    def _picture(self, level: int, head: nn.Module, x: M, run: Run[M]) -> M:
        return run(self.get_submodule(f"output_l{level}"), run(head, x))
