// A .pt file in libtorch.

#pragma once

#include "torch_array.h"

#include <sstream>

namespace exports {

class Model {
 public:
  static constexpr auto ending = ".pt", kind = "TorchScript";

  Model(const std::filesystem::path&, const std::string& data) {
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
  torch::jit::Module module_;
};

}  // namespace exports
