"""What each operator does, in a line, by family: for ``treadle ops``, the docs and ``help``.

`OpDef.doc` holds what is special about an overload; a line here says what all overloads of a name
have in common. In-place twins and the names in `_ALIASES` need no line of their own. A name with a
line but without an operator is one that Treadle does not support.
"""

from __future__ import annotations

import functools

_ALIASES = {
    "absolute": "abs", "adjoint": "mH", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin",
    "arcsinh": "asinh", "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh", "clip": "clamp",
    "concat": "cat", "concatenate": "cat", "cholesky": "linalg_cholesky", "det": "linalg_det",
    "divide": "div", "fix": "trunc", "greater": "gt", "greater_equal": "ge",
    "inverse": "linalg_inv", "less": "lt", "less_equal": "le", "linalg_matmul": "matmul",
    "logdet": "linalg_logdet", "matrix_exp": "linalg_matrix_exp", "ger": "outer",
    "matrix_power": "linalg_matrix_power", "moveaxis": "movedim", "multiply": "mul",
    "negative": "neg", "not_equal": "ne", "pinverse": "linalg_pinv", "qr": "linalg_qr",
    "row_stack": "vstack", "slogdet": "linalg_slogdet", "special_digamma": "digamma",
    "special_erf": "erf", "special_erfc": "erfc", "special_erfinv": "erfinv",
    "special_exp2": "exp2", "special_expit": "sigmoid", "special_expm1": "expm1",
    "special_gammaln": "lgamma", "special_i0": "i0", "special_log1p": "log1p",
    "special_log_softmax": "log_softmax", "special_logit": "logit",
    "special_logsumexp": "logsumexp", "special_psi": "digamma", "special_round": "round",
    "special_sinc": "sinc", "special_softmax": "softmax", "special_xlogy": "xlogy",
    "subtract": "sub", "svd": "linalg_svd", "swapaxes": "transpose", "swapdims": "transpose",
    "matrix_H": "mH", "narrow_copy": "narrow", "trapz": "trapezoid",
    "true_divide": "div", "__and__": "bitwise_and", "__or__": "bitwise_or",
    "__xor__": "bitwise_xor", "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift", "_conj": "conj", "conj_physical": "conj",
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d", "_adaptive_avg_pool3d": "adaptive_avg_pool3d",
    "_softmax": "softmax", "_log_softmax": "log_softmax",
    "native_layer_norm": "layer_norm", "native_batch_norm": "batch_norm", "_to_copy": "to",
    "native_channel_shuffle": "channel_shuffle", "nll_loss_nd": "nll_loss",
    "nll_loss2d": "nll_loss", "_embedding_bag": "embedding_bag", "_convolution": "convolution",
    "numpy_T": "t", "nonzero_numpy": "nonzero", "_prelu_kernel": "prelu",
    "grid_sampler_2d": "grid_sampler", "grid_sampler_3d": "grid_sampler",
    "unsafe_chunk": "chunk", "unsafe_split": "split", "unsafe_split_with_sizes": "split_with_sizes",
}  # fmt: skip

_TEXT = """
# Arithmetic
add: the sum; of `alpha` times the second operand
sub: the difference; of `alpha` times the second operand
rsub: the second operand less `alpha` times the first
mul: the product of elements
div: the quotient; `rounding_mode` "floor" or "trunc" makes it whole
floor_divide: the quotient, rounded down
remainder: what a division leaves, with the sign of the divisor
fmod: what a division leaves, with the sign of the dividend
pow: the first operand to the power of the second
float_power: `pow` in float64
square: the element times itself
reciprocal: one over the element
neg: the element with the other sign
positive: the tensor itself
abs: the distance from zero
sign: -1, 0 or 1
sgn: the sign; of complex numbers the number over its distance from zero
signbit: whether the sign bit is set, as in -0.0
copysign: the first operand with the sign of the second
lerp: a mixture: `self + weight * (end - self)`
addcmul: `self + value * tensor1 * tensor2`
addcdiv: `self + value * tensor1 / tensor2`
maximum: the larger of two elements; NaN if either is
minimum: the smaller of two elements; NaN if either is
fmax: the larger of two elements; a number rather than NaN
fmin: the smaller of two elements; a number rather than NaN
clamp: the element, kept between `min` and `max`
clamp_min: the element, or `min` if that is larger
clamp_max: the element, or `max` if that is smaller
floor: the largest whole number that is not above
ceil: the smallest whole number that is not below
trunc: the whole part
round: the nearest whole number, an even one if two are near; or to `decimals` digits
frac: what `trunc` cuts off
gcd: the greatest common divisor
lcm: the least common multiple
ldexp: the first operand times two to the power of the second
deg2rad: degrees as radians
rad2deg: radians as degrees
nan_to_num: the element; NaN and infinities become numbers
heaviside: 0 below zero, 1 above, `values` at zero
hypot: the length of a vector with two parts
diff: differences of neighbours
trapezoid: the integral by the trapezoidal rule
cumulative_trapezoid: running integrals by the trapezoidal rule

# Functions
exp: e to the power of the element
exp2: 2 to the power of the element
expm1: `exp(x) - 1`, exact near zero
log: the natural logarithm
log2: the logarithm to base 2
log10: the logarithm to base 10
log1p: `log(1 + x)`, exact near zero
logaddexp: the logarithm of the sum of two exponentials
logaddexp2: `logaddexp` to base 2
xlogy: `x * log(y)`, 0 where x is 0
special_xlog1py: `x * log1p(y)`, 0 where x is 0
sqrt: the square root
rsqrt: one over the square root
sin: the sine
cos: the cosine
tan: the tangent
asin: the inverse of the sine
acos: the inverse of the cosine
atan: the inverse of the tangent
atan2: the angle of the point (other, self)
sinh: the hyperbolic sine
cosh: the hyperbolic cosine
tanh: the hyperbolic tangent
asinh: the inverse of the hyperbolic sine
acosh: the inverse of the hyperbolic cosine
atanh: the inverse of the hyperbolic tangent
sinc: `sin(πx) / πx`
erf: the error function
erfc: one less the error function
erfinv: the inverse of the error function
lgamma: the logarithm of the gamma function
digamma: the derivative of `lgamma`
polygamma: the n-th derivative of `digamma`
i0: the modified Bessel function of order 0
special_i0e: `i0`, scaled by `exp(-|x|)`
special_i1: the modified Bessel function of order 1
special_i1e: `special_i1`, scaled by `exp(-|x|)`
special_entr: `-x * log(x)`, the entropy of an element
special_ndtr: the normal distribution up to x
special_ndtri: the inverse of `special_ndtr`
special_log_ndtr: the logarithm of `special_ndtr`
special_erfcx: `erfc`, scaled by `exp(x²)`
special_zeta: the Hurwitz zeta function
special_multigammaln: the logarithm of the multivariate gamma function
logit: the logarithm of `x / (1 - x)`; the inverse of `sigmoid`

# Activations
relu: the element, 0 if it is negative
relu6: the element, kept between 0 and 6
leaky_relu: the element; negative ones times `negative_slope`
prelu: the element; negative ones times a weight, one for each channel
rrelu: `leaky_relu` with the mean of the slopes that training draws
elu: the element; for negative ones an exponential that tends to -alpha
selu: `elu` with constants that keep mean and variance
celu: `elu` with a continuous derivative for every alpha
gelu: the element times the normal distribution up to it, or its tanh approximation
silu: the element times its sigmoid
mish: the element times the tanh of its softplus
sigmoid: `1 / (1 + exp(-x))`
log_sigmoid: the logarithm of `sigmoid`
hardsigmoid: `sigmoid` in three straight lines
hardswish: the element times its `hardsigmoid`
hardtanh: the element, kept between two values
hardshrink: the element, 0 between -lambd and lambd
softshrink: the element moved to zero by lambd
tanhshrink: the element less its tanh
softplus: a smooth form of `relu`
softsign: `x / (1 + |x|)`
threshold: the element if it is above `threshold`, else `value`
glu: the first half along a dim times the sigmoid of the other
softmax: exponentials along a dim, divided by their sum
log_softmax: the logarithm of `softmax`
_safe_softmax: `softmax`, 0 in rows that are -inf throughout
dropout: the tensor itself outside of training
feature_dropout: the tensor itself outside of training
alpha_dropout: the tensor itself outside of training
feature_alpha_dropout: the tensor itself outside of training

# Comparison and logic
eq: whether elements are equal
ne: whether elements differ
lt: whether the first is less
le: whether the first is not greater
gt: whether the first is greater
ge: whether the first is not less
equal: whether shapes and all elements are equal, as a bool
isclose: whether elements are equal within tolerances
allclose: whether all elements are equal within tolerances, as a bool
isnan: whether the element is NaN
isinf: whether the element is infinite
isfinite: whether the element is neither infinite nor NaN
isposinf: whether the element is +inf
isneginf: whether the element is -inf
isreal: whether the imaginary part is zero
isin: whether the element is among `test_elements`
logical_and: whether both are not zero
logical_or: whether either is not zero
logical_xor: whether exactly one is not zero
logical_not: whether the element is zero
bitwise_and: the bits that both have
bitwise_or: the bits that either has
bitwise_xor: the bits that one has
bitwise_not: the other bits
bitwise_left_shift: bits moved up
bitwise_right_shift: bits moved down
where: elements of one tensor or another, as a condition tells; with one argument as `nonzero`
masked_fill: the tensor with `value` where the mask is set
masked_scatter: the tensor with the elements of `source`, in order, where the mask is set
masked_select: the elements where the mask is set

# Reductions
sum: the sum of all elements, or along dims
nansum: `sum`, NaN counting as zero
prod: the product of all elements, or along a dim
mean: the mean of all elements, or along dims
nanmean: `mean` of what is not NaN
any: whether any element is not zero
all: whether no element is zero
max: the largest element; along a dim with its position; of two tensors as `maximum`
min: the smallest element; along a dim with its position; of two tensors as `minimum`
amax: the largest elements along dims
amin: the smallest elements along dims
aminmax: smallest and largest element
argmax: the position of the largest element
argmin: the position of the smallest element
median: the middle element, the lower of two
nanmedian: `median` of what is not NaN
mode: the most frequent element along a dim
quantile: the element below which a share q of all lies, interpolated
nanquantile: `quantile` of what is not NaN
var: the variance
var_mean: variance and mean
std: the standard deviation
std_mean: standard deviation and mean
norm: the p-norm of all elements or along dims
linalg_vector_norm: the p-norm of all elements or along dims
logsumexp: the logarithm of the sum of exponentials along dims
count_nonzero: how many elements are not zero
histc: how many elements lie in each of equal bins
bincount: how often each small integer occurs
cov: covariances of variables, one a row
corrcoef: correlations of variables, one a row
cumsum: running sums along a dim
cumprod: running products along a dim
cummax: running maxima along a dim with their positions
cummin: running minima along a dim with their positions
logcumsumexp: running `logsumexp` along a dim
dist: the p-norm of the difference of two tensors
renorm: slices along a dim, shortened to a p-norm of at most `maxnorm`
norm_except_dim: norms over all dims but one

# Products and linear algebra
mm: the product of two matrices
bmm: products of matrices, pair by pair
mv: the product of a matrix and a vector
dot: the sum of products of two vectors
vdot: `dot` with the first vector conjugated
matmul: the product of vectors, matrices or batches of matrices
linear: `x @ weight.T + bias`
bilinear: `x1 @ weight @ x2 + bias` for each output
addmm: `beta * self + alpha * mat1 @ mat2`
addmv: `beta * self + alpha * mat @ vec`
addr: `beta * self + alpha * outer(vec1, vec2)`
addbmm: `beta * self` plus `alpha` times the sum of products of matrices
baddbmm: `beta * self + alpha * batch1 @ batch2`
outer: every product of elements of two vectors
inner: sums of products along the last dims
tensordot: sums of products along chosen dims
einsum: sums of products as an equation of letters tells
kron: the Kronecker product
cross: the vector product of vectors with three parts
linalg_cross: the vector product of vectors with three parts
linalg_multi_dot: the product of several matrices in the cheapest order
chain_matmul: the product of several matrices in the cheapest order
linalg_vecdot: sums of products along a dim
trace: the sum of the diagonal
scaled_dot_product_attention: `softmax(q @ k.T * scale + mask) @ v`
cdist: distances between the rows of two matrices
pdist: distances between the rows of one matrix
linalg_inv: the inverse of matrices
linalg_inv_ex: the inverse of matrices, and whether there is one
linalg_solve: the x for which `A @ x = B`
linalg_solve_ex: the x for which `A @ x = B`, and whether there is one
linalg_solve_triangular: the x for which `A @ x = B`, A being triangular
linalg_cholesky: the triangular factor of positive definite matrices
linalg_cholesky_ex: `linalg_cholesky`, and where it failed
cholesky_solve: the x for which `A @ x = B`, from A's Cholesky factor
cholesky_inverse: the inverse, from the Cholesky factor
linalg_det: determinants
linalg_slogdet: sign and logarithm of determinants
linalg_logdet: logarithms of determinants
linalg_matrix_power: a matrix times itself, n times
linalg_matrix_exp: the exponential of matrices
linalg_qr: an orthogonal and a triangular factor
linalg_lu: a permutation and two triangular factors
linalg_svd: singular values and vectors
linalg_svdvals: singular values
linalg_eig: eigenvalues and eigenvectors
linalg_eigvals: eigenvalues
linalg_eigh: eigenvalues and eigenvectors of symmetric matrices
linalg_eigvalsh: eigenvalues of symmetric matrices
linalg_pinv: the pseudo-inverse
linalg_matrix_rank: how many singular values are not zero
linalg_lstsq: the x that brings `A @ x` nearest to B
linalg_cond: the condition number
linalg_matrix_norm: norms of matrices
linalg_norm: norms of vectors or matrices
linalg_diagonal: the diagonal of matrices as a view
linalg_vander: powers of elements, one row each
frobenius_norm: the root of the sum of squares

# Convolutions
conv1d: sums over windows of one dim, weighted for each output channel
conv2d: sums over windows of two dims, weighted for each output channel
conv3d: sums over windows of three dims, weighted for each output channel
conv_transpose1d: each element spread over a window of one dim
conv_transpose2d: each element spread over a window of two dims
conv_transpose3d: each element spread over a window of three dims
convolution: any convolution, transposed or not
unfold: windows along a dim as a view
im2col: windows as columns
col2im: columns summed back into an image

# Pooling and resizing
max_pool1d: the largest element of each window
max_pool2d: the largest element of each window
max_pool3d: the largest element of each window
max_pool1d_with_indices: `max_pool1d` and positions
max_pool2d_with_indices: `max_pool2d` and positions
max_pool3d_with_indices: `max_pool3d` and positions
avg_pool1d: the mean of each window
avg_pool2d: the mean of each window
avg_pool3d: the mean of each window
adaptive_avg_pool1d: means of as many windows as the result has elements
adaptive_avg_pool2d: means of as many windows as the result has elements
adaptive_avg_pool3d: means of as many windows as the result has elements
adaptive_max_pool1d: largest elements of as many windows as the result has elements
adaptive_max_pool2d: largest elements of as many windows as the result has elements
adaptive_max_pool3d: largest elements of as many windows as the result has elements
max_unpool2d: zeros, but for the elements of `max_pool2d` where they were
max_unpool3d: zeros, but for the elements of `max_pool3d` where they were
upsample_nearest1d: resized; each element is its nearest one
upsample_nearest2d: resized; each element is its nearest one
upsample_nearest3d: resized; each element is its nearest one
upsample_linear1d: resized; each element lies between its neighbours
upsample_bilinear2d: resized; each element lies between its neighbours
upsample_trilinear3d: resized; each element lies between its neighbours
upsample_bicubic2d: resized; cubic curves through the neighbours
__interpolate: any resizing, by name of the method
grid_sampler: elements at the positions that a grid gives, interpolated
affine_grid_generator: the grid of an affine map, for `grid_sampler`
pixel_shuffle: channels moved into space
pixel_unshuffle: space moved into channels
channel_shuffle: channels in another order, by groups

# Normalisation
layer_norm: rows less their mean over their standard deviation, scaled and moved
rms_norm: rows over the root of their mean square, scaled
batch_norm: channels less their running mean over their running deviation
group_norm: groups of channels less their mean over their standard deviation
instance_norm: each channel of each sample less its mean over its deviation
native_group_norm: `group_norm` with mean and inverse deviation of each group
_native_batch_norm_legit_no_training: `batch_norm` in evaluation, with two empty tensors

# Recurrent layers
lstm: long short-term memory over time, any number of layers, one or both directions
gru: gated recurrent units over time, any number of layers, one or both directions
rnn_tanh: recurrent units with tanh over time
rnn_relu: recurrent units with relu over time
lstm_cell: one step of `lstm`
gru_cell: one step of `gru`
rnn_tanh_cell: one step of `rnn_tanh`
rnn_relu_cell: one step of `rnn_relu`
_pack_padded_sequence: sequences of different lengths, step by step without padding
_pad_packed_sequence: a packed sequence, padded again

# Selection
embedding: the rows of a table that indices name
embedding_bag: sums, means or maxima of the rows of a table, bag by bag
index: elements by lists of positions, as `x[i, j]`
index_select: slices along a dim by position
gather: one element for each position along a dim
take_along_dim: `gather` with broadcasting
take: elements by position in the flattened tensor
nonzero: the positions of elements that are not zero
one_hot: 1 at the position that the integer names, else 0
sort: elements in order along a dim, with their positions
argsort: the positions of the elements in order
msort: elements in order along the first dim
topk: the k largest or smallest along a dim, with their positions
kthvalue: the k-th smallest along a dim, with its position
searchsorted: where values would go in sorted rows
bucketize: the number of the bucket that holds the element
unique_consecutive: elements without repeated neighbours
unique_dim: distinct slices along a dim
_unique2: distinct elements
scatter: elements of `src` written to positions along a dim
scatter_add: elements of `src` added at positions along a dim
scatter_reduce: elements of `src` combined at positions along a dim
index_add: slices of `source` added at positions along a dim
index_copy: slices of `source` written to positions along a dim
index_fill: `value` written to positions along a dim
index_put: values written to lists of positions, as `x[i, j] = v`
index_reduce: slices of `source` combined at positions along a dim
put: values written to positions in the flattened tensor
select_scatter: the tensor with one slice replaced
slice_scatter: the tensor with a range of slices replaced
diagonal_scatter: the tensor with its diagonal replaced
fill_diagonal_: `value` written to the diagonal

# Shapes and views
view: the same memory under another shape
view_as: `view` in the shape of another tensor
reshape: the same elements under another shape, copied if they must be
reshape_as: `reshape` to the shape of another tensor
flatten: several dims as one
unflatten: one dim as several
ravel: all dims as one
squeeze: without dims of size 1
unsqueeze: with a dim of size 1 more
transpose: two dims exchanged
t: the two dims of a matrix exchanged
mT: the last two dims exchanged
mH: the last two dims exchanged, conjugated
H: a matrix with its dims exchanged, conjugated
permute: dims in another order
movedim: dims moved to other positions
expand: dims of size 1 repeated without a copy
expand_as: `expand` to the shape of another tensor
broadcast_to: `expand` to a shape
broadcast_tensors: tensors expanded to one shape
slice: a range of slices along a dim
select: one slice along a dim
narrow: `length` slices from `start` on
diagonal: the diagonal along two dims as a view
as_strided: any strides over the same memory
split: parts of one size along a dim
split_with_sizes: parts of given sizes along a dim
chunk: so many parts along a dim
tensor_split: so many parts along a dim, or parts between positions
hsplit: parts along the second dim
vsplit: parts along the first dim
dsplit: parts along the third dim
unbind: all slices along a dim
atleast_1d: with at least one dim
atleast_2d: with at least two dims
atleast_3d: with at least three dims
view_as_real: complex numbers as pairs
view_as_complex: pairs as complex numbers
real: real parts
imag: imaginary parts
conj: the other sign for imaginary parts
angle: the angle of complex numbers
complex: complex numbers of real and imaginary parts
polar: complex numbers of distances and angles
alias: the same tensor under another name
detach: the tensor itself, since there are no gradients
data: the tensor itself, since there are no gradients
contiguous: the tensor with its elements row by row
resolve_conj: the tensor itself
resolve_neg: the tensor itself
lift_fresh: the tensor itself

# Joining and rearranging
cat: tensors side by side along a dim
stack: tensors side by side along a new dim
hstack: tensors side by side along the second dim
vstack: tensors side by side along the first dim
dstack: tensors side by side along the third dim
column_stack: vectors as columns, side by side
block_diag: matrices along a diagonal
repeat: the tensor so many times along each dim
tile: the tensor so many times along each dim
repeat_interleave: each slice so many times
flip: elements in reverse along dims
fliplr: columns in reverse
flipud: rows in reverse
roll: elements moved around along dims
rot90: a plane turned by right angles
tril: what lies on and below a diagonal, else zero
triu: what lies on and above a diagonal, else zero
diag: a vector as a diagonal, or the diagonal of a matrix
diagflat: the elements as a diagonal
diag_embed: vectors as diagonals of matrices
pad: the tensor with a border: a constant, or repeated or mirrored elements
constant_pad_nd: the tensor with a border of a constant
reflection_pad1d: the tensor with a border that mirrors it
reflection_pad2d: the tensor with a border that mirrors it
reflection_pad3d: the tensor with a border that mirrors it
replication_pad1d: the tensor with a border that repeats its edge
replication_pad2d: the tensor with a border that repeats its edge
replication_pad3d: the tensor with a border that repeats its edge
meshgrid: the coordinates of a grid
cartesian_prod: every combination of elements of several vectors
combinations: every choice of r elements of a vector

# Making tensors
zeros: zeros
ones: ones
full: one value
empty: whatever the memory held
zeros_like: zeros in the shape of another tensor
ones_like: ones in the shape of another tensor
full_like: one value in the shape of another tensor
empty_like: an uninitialised tensor in the shape of another
new_zeros: zeros of the dtype of another tensor
new_ones: ones of the dtype of another tensor
new_full: one value of the dtype of another tensor
new_empty: an uninitialised tensor of the dtype of another
scalar_tensor: a number as a tensor without dims
tensor: numbers in lists as a tensor
as_tensor: numbers in lists as a tensor, shared where it can be
arange: numbers from start to end by steps
range: numbers from start to end, both included, by steps
linspace: so many numbers from start to end, both included
logspace: powers with exponents from start to end
eye: ones on the diagonal
tril_indices: the positions on and below a diagonal
triu_indices: the positions on and above a diagonal
vander: powers of elements, one row each
hann_window: the Hann window
hamming_window: the Hamming window
blackman_window: the Blackman window
bartlett_window: the Bartlett window
kaiser_window: the Kaiser window
fill: the tensor with one value throughout
copy: the elements of another tensor in this one's dtype
zero: the tensor with zeros throughout
clone: a copy
to: the tensor in another dtype
type_as: the tensor in the dtype of another
cpu: the tensor itself
rand: random numbers, uniform in [0, 1)
randn: random numbers of the normal distribution
rand_like: `rand` in the shape of another tensor
randn_like: `randn` in the shape of another tensor
randint: random integers
randint_like: `randint` in the shape of another tensor
randperm: the first integers in random order
bernoulli: 1 with a given probability, else 0
normal: random numbers of a normal distribution
multinomial: random positions, by weight
uniform_: random numbers, uniform, written into the tensor
exponential_: random numbers of an exponential distribution, written into the tensor
cauchy_: random numbers of a Cauchy distribution, written into the tensor
log_normal_: exponentials of normal random numbers, written into the tensor
poisson: random numbers of Poisson distributions of given rates
native_dropout: the tensor and what is kept of it, which is all in evaluation

# Spectra
fft_fft: the Fourier transform along a dim
fft_ifft: the inverse of `fft_fft`
fft_rfft: the Fourier transform of real numbers, without its redundant half
fft_irfft: the inverse of `fft_rfft`
fft_hfft: the transform of a half Hermitian signal into real numbers
fft_ihfft: the inverse of `fft_hfft`
fft_fft2: the Fourier transform along two dims
fft_ifft2: the inverse of `fft_fft2`
fft_rfft2: the Fourier transform of real numbers along two dims
fft_irfft2: the inverse of `fft_rfft2`
fft_fftn: the Fourier transform along dims
fft_ifftn: the inverse of `fft_fftn`
fft_rfftn: the Fourier transform of real numbers along dims
fft_irfftn: the inverse of `fft_rfftn`
fft_fftshift: zero frequency moved to the middle
fft_ifftshift: the inverse of `fft_fftshift`
fft_fftfreq: the frequencies of a transform
fft_rfftfreq: the frequencies of a transform of real numbers
stft: Fourier transforms of overlapping windows
istft: the signal of overlapping windows' transforms

# Losses
mse_loss: the mean of squared differences
l1_loss: the mean of absolute differences
smooth_l1_loss: squared below `beta`, absolute above
huber_loss: squared below `delta`, linear above
cross_entropy_loss: minus the log of the softmax at the target
nll_loss: minus the element at the target
binary_cross_entropy: the cross entropy of probabilities
binary_cross_entropy_with_logits: the cross entropy of sigmoids
kl_div: how far one distribution is from another
poisson_nll_loss: minus the log likelihood of Poisson counts
gaussian_nll_loss: minus the log likelihood of a normal distribution
soft_margin_loss: the logistic loss
multilabel_soft_margin_loss: the logistic loss over several labels
multi_margin_loss: the hinge loss over several classes
multilabel_margin_loss: the hinge loss over several labels
margin_ranking_loss: how far two inputs are from their order
hinge_embedding_loss: distances of pairs, by whether they are alike
cosine_embedding_loss: angles of pairs, by whether they are alike
triplet_margin_loss: an anchor nearer to a positive than to a negative, by a margin
ctc_loss: minus the log likelihood of sequences without alignment
pairwise_distance: the p-norm of differences, row by row
cosine_similarity: the cosine of the angle between vectors

# Questions
size: the sizes, or that of a dim
dim: the number of dims
len: the size of the first dim
numel: the number of elements
stride: the distances of neighbours
is_contiguous: whether the elements lie row by row
is_floating_point: whether the elements are floating numbers
is_complex: whether the elements are complex
is_signed: whether the dtype has negative values
is_nonzero: whether the only element is not zero
element_size: bytes of an element
result_type: the dtype of a result of both
item: the only element as a number
Int: the only element as an int
Float: the only element as a float
Bool: the only element as a bool
IntImplicit: the only element where an int is wanted
FloatImplicit: the only element where a float is wanted
ScalarImplicit: the only element where a number is wanted
requires_grad_: the tensor itself, since there are no gradients
"""


@functools.cache
def summaries() -> dict[str, tuple[str, str]]:
    """Family and line of each operator by its name without the overload."""
    found: dict[str, tuple[str, str]] = {}
    family = ""
    for line in filter(None, _TEXT.splitlines()):
        if line.startswith("# "):
            family = line[2:]
        else:
            name, _, text = line.partition(": ")
            found[name] = (family, text)
    return found


def same_as(name: str) -> str:
    """The usual name of the operator `name` if that is another one, else nothing."""
    return _ALIASES.get(name, "")


def summary(name: str) -> tuple[str, str]:
    """Family and line of the operator `name`, ``("Others", "")`` if there are none."""
    known = summaries()
    if name in known:
        return known[name]
    if name in _ALIASES:
        other = _ALIASES[name]
        return known[other][0], f"another name of `{other}`"
    if name.endswith("_") and not name.startswith("_"):
        family, text = summary(name[:-1])
        return family, f"{text}; written into the tensor" if text else ""
    if name.endswith("_copy"):
        family, text = summary(name[:-5])
        return family, f"{text}; as a copy" if text else ""
    return "Others", ""
