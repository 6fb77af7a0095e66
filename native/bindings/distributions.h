// Numbers of distributions, made of the bits of one of NumPy's generators.
#pragma once

#include <cmath>
#include <cstdint>

#include "arrays.h"
// It needs Python.h, which comes with the others.
#include <numpy/random/bitgen.h>

namespace treadle {

// In [0, 1), as fine as the type has them below 1.
template <typename T>
inline T draw_unit(bitgen_t& bits) {
  if constexpr (sizeof(T) == 4)
    return static_cast<T>(bits.next_uint32(bits.state) >> 8) * static_cast<T>(0x1p-24);
  else
    return bits.next_double(bits.state);
}

// In [0, bound), each equally likely.
//
// Source: Lemire 2019, Fast random integer generation in an interval.
inline std::uint64_t draw_below(bitgen_t& bits, std::uint64_t bound) {
  for (;;) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(bits.next_uint64(bits.state)) * bound;
    const auto low = static_cast<std::uint64_t>(product);
    if (low >= bound || low >= (0 - bound) % bound)
      return static_cast<std::uint64_t>(product >> 64);
  }
}

// The standard normal distribution, by layers of equal area under its curve: layer `i` reaches to
// `reach[i]`, and from `inner[i]` times that on it may lie above the curve.
//
// Source: Marsaglia and Tsang 2000, The ziggurat method for generating random variables; Doornik
// 2005, An improved ziggurat method to generate normal random samples.
class Ziggurat {
 public:
  static const Ziggurat& tables() {
    static const Ziggurat instance;
    return instance;
  }

  double draw(bitgen_t& bits) const {
    for (;;) {
      const std::uint64_t word = bits.next_uint64(bits.state);
      const int layer = static_cast<int>(word & (kLayers - 1));
      const double unit = static_cast<double>(word >> 11) * 0x1p-53;
      const double size = unit * reach_[layer];
      if (unit < inner_[layer]) return (word & kSign) ? -size : size;
      if (layer == 0) return (word & kSign) ? -draw_tail(bits) : draw_tail(bits);
      const double outer = std::exp(0.5 * (size * size - reach_[layer] * reach_[layer]));
      const double next = std::exp(0.5 * (size * size - reach_[layer + 1] * reach_[layer + 1]));
      if (outer + bits.next_double(bits.state) * (next - outer) < 1.0)
        return (word & kSign) ? -size : size;
    }
  }

 private:
  static constexpr int kLayers = 256;
  static constexpr std::uint64_t kSign = kLayers;
  static constexpr double kTail = 3.6541528853610088;  // where the lowest layer ends

  Ziggurat() {
    const double at_tail = std::exp(-0.5 * kTail * kTail);
    const double area =
        kTail * at_tail + std::sqrt(std::acos(0.0)) * std::erfc(kTail * std::sqrt(0.5));
    reach_[0] = area / at_tail;
    reach_[1] = kTail;
    for (int i = 2; i < kLayers; ++i) {
      const double height = std::exp(-0.5 * reach_[i - 1] * reach_[i - 1]);
      reach_[i] = std::sqrt(-2.0 * std::log(area / reach_[i - 1] + height));
    }
    reach_[kLayers] = 0.0;
    for (int i = 0; i < kLayers; ++i) inner_[i] = reach_[i + 1] / reach_[i];
  }

  static double draw_tail(bitgen_t& bits) {
    for (;;) {
      const double along = -std::log1p(-bits.next_double(bits.state)) / kTail;
      const double height = -std::log1p(-bits.next_double(bits.state));
      if (2.0 * height >= along * along) return kTail + along;
    }
  }

  double reach_[kLayers + 1];
  double inner_[kLayers];
};

// The number of events of which `rate` are expected: from the sum of the chances for few, by
// rejection for many.
//
// Source: Devroye 1986, Non-uniform random variate generation, X.3.3; Hoermann 1993, The
// transformed rejection method for generating Poisson random variables.
inline double draw_few_events(bitgen_t& bits, double rate) {
  const double unit = bits.next_double(bits.state);
  double chance = std::exp(-rate), sum = chance, count = 0.0;
  while (unit >= sum && chance > 0.0) {
    chance *= rate / ++count;
    sum += chance;
  }
  return count;
}

inline double draw_many_events(bitgen_t& bits, double rate) {
  const double spread = 0.931 + 2.53 * std::sqrt(rate);
  const double tilt = -0.059 + 0.02483 * spread;
  const double log_inverse = std::log(1.1239 + 1.1328 / (spread - 3.4));
  const double accepted = 0.9277 - 3.6224 / (spread - 2.0);
  for (;;) {
    const double centred = bits.next_double(bits.state) - 0.5;
    const double height = bits.next_double(bits.state);
    const double edge = 0.5 - std::abs(centred);
    const double count = std::floor((2.0 * tilt / edge + spread) * centred + rate + 0.43);
    if (edge >= 0.07 && height <= accepted) return count;
    if (!(count >= 0.0) || (edge < 0.013 && height > edge)) continue;
    int sign;
    const double log_chance = count * std::log(rate) - rate - lgamma_r(count + 1.0, &sign);
    if (std::log(height) + log_inverse - std::log(tilt / (edge * edge) + spread) <= log_chance)
      return count;
  }
}

inline double draw_events(bitgen_t& bits, double rate) {
  return rate < 10.0 ? draw_few_events(bits, rate) : draw_many_events(bits, rate);
}

}  // namespace treadle
