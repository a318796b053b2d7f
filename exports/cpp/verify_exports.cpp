// Check each file that the manifest lists; run each model of this program's kind on the golden
// inputs and compare with the golden outputs: verify_exports manifest.json

#include "exports.h"

#include <algorithm>
#include <cmath>
#include <vector>

exports::Array to_array(const exports::Json& golden) {
  exports::Array array{golden.at("shape").get<exports::Shape>(), {}};
  if (golden.at("dtype") == "int64") {
    array.digits = golden.at("values").get<std::vector<std::int64_t>>();
  } else {
    array.values = golden.at("values").get<std::vector<float>>();
  }
  if (array.values.size() + array.digits.size() != exports::count(array.shape)) {
    throw exports::Json::other_error::create(500, "values and shape do not fit", nullptr);
  }
  return array;
}

// Where each row of logits (batch, classes) is largest.
std::vector<std::ptrdiff_t> argmax(const exports::Array& logits) {
  std::vector<std::ptrdiff_t> result;
  auto classes = static_cast<std::ptrdiff_t>(logits.shape[1]);
  for (auto row = logits.values.begin(); row != logits.values.end(); row += classes) {
    result.push_back(std::max_element(row, row + classes) - row);
  }
  return result;
}

// The largest difference of `output` from `expected`; an Error if it is too large.
float compare(const std::string& name, const exports::Array& output,
              const exports::Array& expected, double tolerance) {
  if (output.shape != expected.shape) {
    throw exports::Error("the output of " + name +
                         " does not have the shape of the golden output");
  }
  float largest = 0;
  bool within = true;
  for (std::size_t k = 0; k < expected.values.size(); ++k) {
    float difference = std::abs(output.values[k] - expected.values[k]);
    within = within && difference <= tolerance * (1 + std::abs(expected.values[k]));
    largest = std::max(largest, difference);
  }
  if (!within) {
    throw exports::Error(name + " differs from its golden outputs by " + std::to_string(largest));
  }
  if (expected.shape.size() == 2 && argmax(output) != argmax(expected)) {
    throw exports::Error("the largest logit of " + name + " is not the one in the golden outputs");
  }
  return largest;
}

// Compare one model with its golden values and print the result.
void verify(const exports::fs::path& path, const exports::Json& entry,
            const exports::Json& manifest) {
  std::string name = path.filename().string(), ending = path.extension().string();
  if (ending != exports::Model::ending) {
    exports::check_sha256(manifest, path, exports::read_file(path));
    std::cout << name << ": the SHA-256 is right; not run: this program was built for "
              << exports::Model::ending << " files\n";
    return;
  }
  if (!entry.is_object()) throw exports::Error("the manifest has no golden values for " + name);
  exports::Json source = exports::source_of(path, entry, manifest);
  if (!source.contains("golden")) {
    throw exports::Error("the manifest has no golden values for " + name);
  }
  const auto& golden = source["golden"];
  double tolerance = golden.at("tolerance");
  exports::Model model = exports::load(path);
  float largest = 0;
  std::int64_t count = 0;
  for (const auto& test : golden.at("cases")) {
    exports::Array expected = to_array(test.at("output"));
    auto output = exports::call(model, to_array(test.at("input")), "its golden inputs");
    largest = std::max(largest, compare(name, output, expected, tolerance));
    count += expected.shape[0];
  }
  std::cout << name << ": " << count << " golden inputs, largest difference " << largest << "\n";
}

void verify_all(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw exports::UsageError("usage: verify_exports MANIFEST.json");
  exports::fs::path path = arguments[0];
  auto manifest = exports::read_manifest(path);
  if (manifest.empty()) throw exports::Error(path.string() + " lists no exports");
  bool found = false;
  for (const auto& [name, entry] : manifest.items()) {
    if (exports::fs::path(name).filename() != name) {
      throw exports::Error(path.string() + " lists " + name + ", which is not a file beside it");
    }
    exports::fs::path file = path.parent_path() / name;
    if (!exports::fs::exists(file)) {
      std::cout << name << ": is not here\n";
      continue;
    }
    found = true;
    try {
      verify(file, entry, manifest);
    } catch (const exports::Json::exception&) {
      throw exports::Error("the golden values of " + name + " in the manifest are damaged");
    }
  }
  if (!found) throw exports::Error("no file that " + path.string() + " lists is beside it");
}

int main(int argc, char** argv) {
  return exports::run("verify_exports", [&] { verify_all({argv + 1, argv + argc}); });
}
