// Arrays as tensors of libtorch and back, for both formats that it reads.

#pragma once

#include "array.h"

#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/script.h>

namespace exports {

// The message of an error in one line; torch's messages come with a stack trace.
inline std::string one_line(const std::exception& error) {
  std::string text = error.what();
  if (auto* torch_error = dynamic_cast<const c10::Error*>(&error)) {
    text = torch_error->what_without_backtrace();
  } else if (auto* script_error = dynamic_cast<const torch::jit::JITException*>(&error)) {
    text = script_error->getOriginalMsg().value_or(text);
  }
  return text.substr(0, text.find('\n'));
}

inline at::Tensor to_tensor(const Array& array) {
  if (!array.digits.empty()) return torch::tensor(array.digits).reshape(array.shape);
  return torch::tensor(array.values).reshape(array.shape);
}

inline Array to_array(const at::Tensor& tensor) {
  at::Tensor values = tensor.to(at::kFloat).contiguous();
  const float* start = values.const_data_ptr<float>();
  return {values.sizes().vec(), {start, start + values.numel()}};
}

}  // namespace exports
