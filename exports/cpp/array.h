// What goes into a model and comes out of it, in any runtime.

#pragma once

#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace exports {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Shape = std::vector<std::int64_t>;

// An array in row-major order: of digits, or of anything else in `values`.
struct Array {
  Shape shape;
  std::vector<float> values;
  std::vector<std::int64_t> digits = {};
};

inline std::size_t count(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

inline std::string to_string(const Shape& shape) {
  std::string text;
  for (auto size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return text;
}

}  // namespace exports
