// A package of AOTInductor in libtorch: a .pt2 file that was compiled for this machine.

#pragma once

#include "torch_array.h"

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <memory>
#include <sstream>

namespace exports {

class Model {
 public:
  static constexpr auto ending = ".aoti", kind = "AOTInductor";

  Model(const std::filesystem::path& path, const std::string&)
      : package_(std::make_unique<torch::inductor::AOTIModelPackageLoader>(path.string())) {
    auto metadata = package_->get_metadata();  // `load_exports.py compile` puts both there
    input_.name = metadata.at("input");
    std::istringstream sizes(metadata.at("shape"));
    for (std::int64_t size; sizes >> size;) input_.shape.push_back(size);
  }

  Array operator()(const Array& input) {
    input_.check(input);
    torch::NoGradGuard no_grad;
    return to_array(package_->run({to_tensor(input)}).at(0));
  }

  std::optional<std::int64_t> latent_dim() const { return input_.latent_dim(); }

  // Packages have no second method.
  std::vector<Array> trace(const Array&) { return {}; }

 private:
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> package_;
  Input input_;
};

}  // namespace exports
