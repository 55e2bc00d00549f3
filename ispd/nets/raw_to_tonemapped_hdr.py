"""raw_to_tonemappedHDR: from a Bayer mosaic to a tone-mapped picture; PyNET's pyramid with attention in place of width.

Takes   (N, 4, H, W) by `pack_bayer`; H and W multiples of 8, 16 at least
Gives   (N, 3, 2H/2^level, 2W/2^level) in (0, 1): sRGB-encoded color for a screen
Source  written from a description of the published network's layers; names, order and shapes of all 197 tensors are
        those of its checkpoints
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from ispd.nets.blocks import CBAM, ECA, IEM, Conv, Head, M, Multi, Run, SimAM, Up, whole


class RawToTonemappedHdr(nn.Module):
    """All levels' modules are there at every level, so a checkpoint of one loads into another."""

    DEEPEST: ClassVar = 4
    MULTIPLE: ClassVar = 8  # of the packed sides
    SMALLEST: ClassVar = 16  # packed side

    def __init__(self, level: int = 0) -> None:
        super().__init__()
        self.level = level
        self.conv_l1_d1 = Multi(4, 32, 3, norm=False)
        self.conv_l2_d1 = Multi(32, 64, 3)
        self.conv_l3_d1 = Multi(64, 128, 3)
        self.conv_l4_d1 = Multi(128, 256, 3)
        self.conv_l4_d2 = Multi(256, 256, 3)
        self.out_eca1_l4 = ECA()
        self.conv_l4_d3 = Multi(256, 256, 3)
        self.conv_l4_d4 = Multi(256, 256, 3)
        self.out_eca2_l4 = ECA()
        self.out_cbam_l4 = CBAM(256, 16)
        self.conv_t3b = Up(256, 128)
        self.conv_l4_out = Head(256)
        self.conv_l3_d3 = Multi(256, 128, 3)
        self.out_eca_l3 = ECA()
        self.conv_t2b = Up(128, 64)  # before the block that feeds it: the checkpoints' order
        self.out_cbam_l3 = CBAM(128, 8)
        self.conv_l3_out = Head(128)
        self.conv_l2_d2 = Multi(128, 64, 3)
        self._add_branches(2, 64)
        self.conv_l2_d3 = Multi(128, 64, 3)
        self.conv_t1b = Up(64, 32)
        self.conv_l2_out = Head(64)
        self.conv_l1_d2 = Multi(64, 32, 3)
        self._add_branches(1, 32)
        self.conv_l1_d3 = Conv(128, 32, 3)
        self.conv_t0b = Up(32, 16)
        self.conv_l1_out = Head(32)
        self.conv_l0_d1 = Head(16)
        self.pool1, self.pool2, self.pool3 = (nn.MaxPool2d(2) for _ in range(3))
        self.simam_l1, self.simam_l2 = SimAM(), SimAM()
        for number in range(self.DEEPEST + 1):
            self.add_module(f"output_l{number}", nn.Sigmoid())

    def _add_branches(self, level: int, channels: int) -> None:
        for branch, size in enumerate((3, 5, 7, 9), start=1):
            self.add_module(f"conv_l{level}_IEM{branch}", Conv(channels, 32, size))
            self.add_module(f"IEM_l{level}_{branch}", IEM())

    def forward(self, x: Tensor) -> Tensor:
        return self.flow(x, whole)

    def flow(self, x: M, run: Run[M]) -> M:
        """What flows where, from the packed mosaic to the picture of the network's level."""
        first = run(self.conv_l1_d1, x)
        second = run(self.conv_l2_d1, run(self.pool1, first))
        third = run(self.conv_l3_d1, run(self.pool2, second))

        deep = run(self.conv_l4_d2, run(self.conv_l4_d1, run(self.pool3, third)))
        deep = run(self.conv_l4_d3, run(self.out_eca1_l4, deep))
        deep = run(self.out_cbam_l4, run(self.out_eca2_l4, run(self.conv_l4_d4, deep)))
        if self.level == 4:
            return self._picture(4, self.conv_l4_out, deep, run)

        deep = run(self.conv_l3_d3, third, run(self.conv_t3b, deep))
        del third  # maps are large: each goes as soon as nothing reads it any more
        deep = run(self.out_cbam_l3, run(self.out_eca_l3, deep))
        if self.level == 3:
            return self._picture(3, self.conv_l3_out, deep, run)

        deep = run(self.conv_l2_d2, second, run(self.conv_t2b, deep))
        del second
        deep = run(self.conv_l2_d3, self._branched(2, deep, self.simam_l2, run))
        if self.level == 2:
            return self._picture(2, self.conv_l2_out, deep, run)

        deep = run(self.conv_l1_d2, first, run(self.conv_t1b, deep))
        del first
        deep = run(self.conv_l1_d3, self._branched(1, deep, self.simam_l1, run))
        if self.level == 1:
            return self._picture(1, self.conv_l1_out, deep, run)
        return self._picture(0, self.conv_l0_d1, run(self.conv_t0b, deep), run)

    def _branched(self, level: int, x: M, simam: SimAM, run: Run[M]) -> M:
        """Four convolutions of different sizes, each with attention of its own, side by side."""
        branches = []
        for branch in (1, 2, 3, 4):
            made = run(self.get_submodule(f"conv_l{level}_IEM{branch}"), x)
            branches.append(run(self.get_submodule(f"IEM_l{level}_{branch}"), made))
        return run(simam, *branches)

    def _picture(self, level: int, head: nn.Module, x: M, run: Run[M]) -> M:
        return run(self.get_submodule(f"output_l{level}"), run(head, x))
