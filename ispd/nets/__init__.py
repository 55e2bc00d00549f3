"""Networks that render: from the Bayer mosaic straight to a picture.  Pure: tensors in, tensors out.
A large frame in bounded memory: `ispd.runner.layerwise`.

bayer         a mosaic of any phase as the four planes that the networks take
blocks        what the networks are made of
raw_to_tonemapped_hdr, pynet      one file an architecture
hdr_unet, hdr_look      our own, and the look of its pictures; train: how its weights come about
checkpoint    a state dict becomes a module, or it is said what is wrong with it
losses, vgg   what training and evaluation measure
"""

from ispd.nets.bayer import pack_bayer
from ispd.nets.checkpoint import from_state_dict

__all__ = ["from_state_dict", "pack_bayer"]
