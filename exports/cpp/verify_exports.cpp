// Reload each export, run the golden inputs and compare with the golden outputs:
//   verify_exports manifest.json

#include "exports.h"

#include <algorithm>
#include <vector>

at::Tensor to_tensor(const exports::Json& array) {
  auto shape = array.at("shape").get<std::vector<std::int64_t>>();
  if (array.at("dtype") == "int64") {
    return torch::tensor(array.at("values").get<std::vector<std::int64_t>>()).reshape(shape);
  }
  return torch::tensor(array.at("values").get<std::vector<float>>()).reshape(shape);
}

// Compare one model with its golden values and print the result.
void verify(const exports::fs::path& path, const exports::Json& entry) {
  std::string name = path.filename().string();
  if (!entry.is_object() || !entry.contains("golden")) {
    throw exports::Error("the manifest has no golden values for " + name);
  }
  const auto& golden = entry["golden"];
  double tolerance = golden.at("tolerance");
  torch::jit::Module model = exports::load(path);
  double largest = 0;
  std::int64_t count = 0;
  for (const auto& test : golden.at("cases")) {
    at::Tensor wanted = to_tensor(test.at("output"));
    at::Tensor given = exports::call(model, to_tensor(test.at("input")), "its golden inputs");
    if (given.sizes() != wanted.sizes()) {
      throw exports::Error(name + " returns another shape than the golden outputs have");
    }
    at::Tensor difference = (given - wanted).abs();
    double here = difference.max().item<double>();
    if (!(difference <= tolerance * (1 + wanted.abs())).all().item<bool>()) {
      throw exports::Error(name + " differs from its golden outputs by " + std::to_string(here));
    }
    if (wanted.dim() == 2 && !given.argmax(1).equal(wanted.argmax(1))) {
      throw exports::Error(name + ": another logit is the largest than in the golden outputs");
    }
    largest = std::max(largest, here);
    count += wanted.size(0);
  }
  std::cout << name << ": " << count << " golden inputs, largest difference " << largest << "\n";
}

void verify_all(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw exports::UsageError("usage: verify_exports MANIFEST.json");
  exports::fs::path path = arguments[0];
  auto manifest = exports::read_manifest(path);
  if (manifest.empty()) throw exports::Error(path.string() + " lists no exports");
  for (const auto& [name, entry] : manifest.items()) {
    try {
      verify(path.parent_path() / name, entry);
    } catch (const exports::Json::exception&) {
      throw exports::Error("the golden values of " + name + " in the manifest are damaged");
    }
  }
}

int main(int argc, char** argv) {
  return exports::run("verify_exports", [&] { verify_all({argv + 1, argv + argc}); });
}
