// Load each export, run it on the golden inputs, and compare with the golden outputs:
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
    at::Tensor expected = to_tensor(test.at("output"));
    at::Tensor output = exports::call(model, to_tensor(test.at("input")), "its golden inputs");
    if (output.sizes() != expected.sizes()) {
      throw exports::Error("the output of " + name +
                           " does not have the shape of the golden output");
    }
    at::Tensor difference = (output - expected).abs();
    double here = difference.max().item<double>();
    if (!(difference <= tolerance * (1 + expected.abs())).all().item<bool>()) {
      throw exports::Error(name + " differs from its golden outputs by " + std::to_string(here));
    }
    if (expected.dim() == 2 && !output.argmax(1).equal(expected.argmax(1))) {
      throw exports::Error("the largest logit of " + name +
                           " is not the one in the golden outputs");
    }
    largest = std::max(largest, here);
    count += expected.size(0);
  }
  std::cout << name << ": " << count << " golden inputs, largest difference " << largest << "\n";
}

void verify_all(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw exports::UsageError("usage: verify_exports MANIFEST.json");
  exports::fs::path path = arguments[0];
  auto manifest = exports::read_manifest(path);
  if (manifest.empty()) throw exports::Error(path.string() + " lists no exports");
  for (const auto& [name, entry] : manifest.items()) {
    if (exports::fs::path(name).filename() != name) {
      throw exports::Error(path.string() + " lists " + name + ", which is not a file beside it");
    }
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
