"""The operators: importing this package fills `OPS`."""

from treadle.ops import activation as activation
from treadle.ops import arithmetic as arithmetic
from treadle.ops import attention as attention
from treadle.ops import bags as bags
from treadle.ops import comparison as comparison
from treadle.ops import container as container
from treadle.ops import contraction as contraction
from treadle.ops import conversion as conversion
from treadle.ops import convolution as convolution
from treadle.ops import creation as creation
from treadle.ops import device as device
from treadle.ops import division as division
from treadle.ops import dropout as dropout
from treadle.ops import einsum as einsum
from treadle.ops import extrema as extrema
from treadle.ops import gather as gather
from treadle.ops import general_convolution as general_convolution
from treadle.ops import geometry as geometry
from treadle.ops import grid_sample as grid_sample
from treadle.ops import group_norm as group_norm
from treadle.ops import gru as gru
from treadle.ops import index as index
from treadle.ops import join as join
from treadle.ops import limits as limits
from treadle.ops import normalization as normalization
from treadle.ops import norms as norms
from treadle.ops import packed as packed
from treadle.ops import padding as padding
from treadle.ops import pooling as pooling
from treadle.ops import pooling3d as pooling3d
from treadle.ops import query as query
from treadle.ops import random as random
from treadle.ops import ranges as ranges
from treadle.ops import rearrange as rearrange
from treadle.ops import recurrent as recurrent
from treadle.ops import reduction as reduction
from treadle.ops import repeat as repeat
from treadle.ops import resample as resample
from treadle.ops import resize as resize
from treadle.ops import scalar as scalar
from treadle.ops import scan as scan
from treadle.ops import scatter as scatter
from treadle.ops import softmax as softmax
from treadle.ops import sorting as sorting
from treadle.ops import spectrum as spectrum
from treadle.ops import strided as strided
from treadle.ops import string as string
from treadle.ops import transposed as transposed
from treadle.ops import unary as unary
from treadle.ops import variance as variance
from treadle.ops import view as view
from treadle.ops import written as written
from treadle.ops.registry import OPS, define

__all__ = ["OPS", "define"]
