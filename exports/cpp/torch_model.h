// A .pt file in libtorch.

#pragma once

#include "array.h"

#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/script.h>

#include <array>
#include <optional>
#include <sstream>

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

class Model {
 public:
  static constexpr auto ending = ".pt", kind = "TorchScript";

  explicit Model(const std::string& data) {
    std::istringstream stream(data);
    module_ = torch::jit::load(stream, at::kCPU);
    module_.eval();
  }

  // The output. The first two calls compile the model and are slow; later calls are fast.
  Array operator()(const Array& input) {
    torch::NoGradGuard no_grad;
    c10::IValue output = module_.forward({to_tensor(input)});
    if (!output.isTensor()) throw Error("it returns something else than a tensor");
    return to_array(output.toTensor());
  }

  // The size of z; none if this is not a generator.
  std::optional<std::int64_t> latent_dim() const {
    if (!module_.hasattr("latent_dim") || !module_.attr("latent_dim").isInt()) return {};
    return module_.attr("latent_dim").toInt();
  }

  // i, f, o, g, c, h, each (batch, length, hidden_size); nothing if the model has no trace.
  std::vector<Array> trace(const Array& digits) {
    torch::NoGradGuard no_grad;
    auto method = module_.find_method("trace");
    std::vector<Array> gates;
    if (!method) return gates;
    auto found = (*method)({to_tensor(digits)});
    for (const auto& gate : found.toTuple()->elements()) gates.push_back(to_array(gate.toTensor()));
    return gates;
  }

 private:
  static at::Tensor to_tensor(const Array& array) {
    if (!array.digits.empty()) return torch::tensor(array.digits).reshape(array.shape);
    return torch::tensor(array.values).reshape(array.shape);
  }

  static Array to_array(const at::Tensor& tensor) {
    at::Tensor values = tensor.to(at::kFloat).contiguous();
    const float* start = values.const_data_ptr<float>();
    return {values.sizes().vec(), {start, start + values.numel()}};
  }

  torch::jit::Module module_;
};

}  // namespace exports
