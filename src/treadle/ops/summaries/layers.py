"""What operators do, in a line: those that are layers of models."""

TEXT = """
# Convolutions
conv_tbc: `conv1d` over the first of the dims time, batch and channels
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
fractional_max_pool2d: largest elements of windows at random distances
fractional_max_pool3d: largest elements of windows at random distances
max_unpool3d: zeros, but for the elements of `max_pool3d` where they were
upsample_nearest1d: resized; each element is its nearest one
upsample_nearest2d: resized; each element is its nearest one
upsample_nearest3d: resized; each element is its nearest one
upsample_linear1d: resized; each element lies between its neighbours
upsample_bilinear2d: resized; each element lies between its neighbours
upsample_trilinear3d: resized; each element lies between its neighbours
upsample_bicubic2d: resized; cubic curves through the neighbours
_upsample_nearest_exact1d: resized; each element is the one nearest to its centre
_upsample_nearest_exact2d: resized; each element is the one nearest to its centre
_upsample_nearest_exact3d: resized; each element is the one nearest to its centre
_upsample_bilinear2d_aa: resized; means over all that an element covers, linear weights
_upsample_bicubic2d_aa: resized; means over all that an element covers, cubic weights
_upsample_lanczos2d_aa: resized; means over all that an element covers, windowed sinc weights
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
_weight_norm: weights from directions and lengths
norm_except_dim: the norms of the slices along a dim
native_group_norm: `group_norm` with mean and inverse deviation of each group
_batch_norm_with_update: `native_batch_norm` in training, with an empty tensor
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
soft_margin_loss: the logistic loss
multi_margin_loss: the hinge loss over several classes
multilabel_margin_loss: the hinge loss over several labels
margin_ranking_loss: how far two inputs are from their order
hinge_embedding_loss: distances of pairs, by whether they are alike
cosine_embedding_loss: angles of pairs, by whether they are alike
triplet_margin_loss: an anchor nearer to a positive than to a negative, by a margin
ctc_loss: minus the log likelihood of sequences without alignment
pairwise_distance: the p-norm of differences, row by row
cosine_similarity: the cosine of the angle between vectors

# Detection
nms: boxes without those that a better one overlaps (torchvision)
roi_align: bilinear means of boxes of images (torchvision)
roi_pool: the largest pixels of boxes of images (torchvision)
ps_roi_align: `roi_align`, each bin from a channel of its own (torchvision)
ps_roi_pool: means of boxes of images, each bin from a channel of its own (torchvision)
deform_conv2d: a convolution whose taps are moved and scaled by data (torchvision)
"""
