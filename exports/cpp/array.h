// What goes into a model and comes out of it, in any runtime.

#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <optional>
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

// What a graph takes: "digits", "z" or "images", and its shape, in which a size below 0 is any.
struct Input {
  std::string name;
  Shape shape;

  // The size of z; none if this is not a generator.
  std::optional<std::int64_t> latent_dim() const {
    if (name != "z" || shape.size() != 2) return {};
    return shape[1];
  }

  // Throw an Error unless `array` is that; a graph cannot say it in words.
  void check(const Array& array) const {
    bool wants_digits = name == "digits";
    bool fits = array.shape.size() == shape.size() && wants_digits != array.digits.empty();
    for (std::size_t k = 1; fits && k < shape.size(); ++k) {
      fits = shape[k] < 0 ? array.shape[k] > 0 : array.shape[k] == shape[k];
    }
    if (!fits) {
      std::string wanted;
      for (auto size : shape) {
        wanted += (wanted.empty() ? "" : ", ") + (size < 0 ? "any" : std::to_string(size));
      }
      throw Error(name + " must be " + (wants_digits ? "int64" : "float32") + " of shape (" +
                  wanted + "); got " + (array.digits.empty() ? "float32" : "int64") +
                  " of shape [" + to_string(array.shape) + "]");
    }
    if (std::any_of(array.digits.begin(), array.digits.end(),
                    [](auto digit) { return digit < 0 || digit > 9; })) {
      throw Error("digits must lie between 0 and 9");
    }
  }
};

}  // namespace exports
