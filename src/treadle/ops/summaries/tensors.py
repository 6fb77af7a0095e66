"""What operators do, in a line: those that move, make or describe tensors."""

TEXT = """
# Selection
embedding: the rows of a table that indices name
embedding_renorm_: rows that indices name, made no longer than a limit
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
nonzero_static: the first positions of elements that are not zero, so many of them
unique_dim_consecutive: slices without repeated neighbours

# Shapes and views
view: the same memory under another shape or dtype
chalf: complex numbers of 16-bit parts
resize_: another shape in place, with more memory where it needs more
resize_as_: `resize_` to the shape of another tensor
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
as_strided_scatter: the tensor with what a view of any strides shows replaced

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
native_dropout: the tensor as `dropout` leaves it, and what was kept of it
empty_strided: whatever the memory held, under given strides
empty_permuted: whatever the memory held, dims in a given order
new_empty_strided: `empty_strided` of the dtype of another
binomial: random numbers of successes
geometric_: random numbers of trials until a success, written into the tensor
random_: random integers, written into the tensor

# Questions
size: the sizes, or that of a dim
dim: the number of dims
len: the size of the first dim
numel: the number of elements
stride: the distances of neighbours
is_contiguous: whether the elements lie row by row
is_floating_point: whether the elements are floating numbers
is_complex: whether the elements are complex
is_conj: False, conjugates are computed
is_inference: False, as of tensors made outside of `inference_mode`
is_neg: False, negatives are computed
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
storage_offset: how many elements of the memory lie before the first
is_same_size: whether the sizes are those of another tensor
is_leaf: true, since there are no gradients
"""
