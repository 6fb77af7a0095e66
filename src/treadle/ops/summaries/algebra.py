"""What operators do, in a line: those that reduce or multiply."""

TEXT = """
# Reductions
sum: the sum of all elements, or along dims
segment_reduce: sums, means, products or extremes of neighbours, so many as told
hash_tensor: the exclusive or of the bits of all elements, or along dims
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
histogram: how often values lie between edges, and the edges
histogramdd: how often rows lie between edges along each column, and the edges
gradient: slopes along dims, by differences
sum_to_size: sums over the dims that broadcasting would stretch

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
_grouped_mm: groups of rows, each times a matrix of its own
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
linalg_lu_factor: the factors of Gauss' elimination in one matrix, and the rows exchanged
linalg_lu_factor_ex: `linalg_lu_factor` and the first pivot of 0
lu_unpack: permutation and triangles of what `linalg_lu_factor` gives
linalg_lu_solve: the solution of linear equations, from the factors of `linalg_lu_factor`
linalg_ldl_factor: factors of a symmetric matrix, P L D L' P', in one
linalg_ldl_factor_ex: `linalg_ldl_factor`, and which pivot is zero
linalg_ldl_solve: the solution of linear equations, from the factors of `linalg_ldl_factor`
triangular_solve: the solution of equations with a triangular matrix, and that matrix
linalg_householder_product: the product of reflections
geqrf: R and the reflections of `linalg_qr`
ormqr: a matrix times the product of reflections
linalg_tensorinv: the inverse of a tensor as a linear map
linalg_tensorsolve: the tensor that a linear map makes another of
nuclear_norm: the sum of the singular values
logdet: the logarithm of the determinant

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
fft_hfft2: `fft_hfft` along two dims
fft_ihfft2: the inverse of `fft_hfft2`
fft_hfftn: `fft_hfft` along dims
fft_ihfftn: the inverse of `fft_hfftn`
"""
