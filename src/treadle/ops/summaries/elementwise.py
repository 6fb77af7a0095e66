"""What operators do, in a line: those element by element."""

TEXT = """
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
nextafter: the next number towards the second operand
frexp: mantissa and exponent

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
mvlgamma: the logarithm of the multivariate gamma function
igamma: the regularised lower incomplete gamma function
igammac: the regularised upper incomplete gamma function
special_modified_bessel_i0: the modified Bessel function of order 0
special_modified_bessel_i1: the modified Bessel function of order 1
special_modified_bessel_k0: the modified Bessel function of the second kind of order 0
special_modified_bessel_k1: the modified Bessel function of the second kind of order 1
special_scaled_modified_bessel_k0: `special_modified_bessel_k0` times `exp(x)`
special_scaled_modified_bessel_k1: `special_modified_bessel_k1` times `exp(x)`
special_bessel_j0: the Bessel function of order 0
special_bessel_j1: the Bessel function of order 1
special_bessel_y0: the Bessel function of the second kind of order 0
special_bessel_y1: the Bessel function of the second kind of order 1
special_spherical_bessel_j0: the spherical Bessel function of order 0
special_airy_ai: Airy's function
special_chebyshev_polynomial_t: Chebyshev's polynomial of the first kind
special_chebyshev_polynomial_u: Chebyshev's polynomial of the second kind
special_chebyshev_polynomial_v: Chebyshev's polynomial of the third kind
special_chebyshev_polynomial_w: Chebyshev's polynomial of the fourth kind
special_shifted_chebyshev_polynomial_t: `special_chebyshev_polynomial_t` of `2 * x - 1`
special_shifted_chebyshev_polynomial_u: `special_chebyshev_polynomial_u` of `2 * x - 1`
special_shifted_chebyshev_polynomial_v: `special_chebyshev_polynomial_v` of `2 * x - 1`
special_shifted_chebyshev_polynomial_w: `special_chebyshev_polynomial_w` of `2 * x - 1`
special_hermite_polynomial_h: Hermite's polynomial, as physicists have it
special_hermite_polynomial_he: Hermite's polynomial, as statisticians have it
special_laguerre_polynomial_l: Laguerre's polynomial
special_legendre_polynomial_p: Legendre's polynomial

# Activations
relu: the element, 0 if it is negative
relu6: the element, kept between 0 and 6
leaky_relu: the element; negative ones times `negative_slope`
prelu: the element; negative ones times a weight, one for each channel
rrelu: `leaky_relu` with slopes drawn in training, else with their mean
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
softplus: a smooth form of `relu`
threshold: the element if it is above `threshold`, else `value`
glu: the first half along a dim times the sigmoid of the other
softmax: exponentials along a dim, divided by their sum
log_softmax: the logarithm of `softmax`
_safe_softmax: `softmax`, 0 in rows that are -inf throughout
dropout: in training elements dropped at random, the rest scaled; else the tensor itself
feature_dropout: `dropout` of whole channels
alpha_dropout: `dropout` that keeps mean and variance of what `selu` gives
feature_alpha_dropout: `alpha_dropout` of whole channels

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
"""
