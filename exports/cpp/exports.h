// Load the exports in C++: verified against manifest.json, every error in one line.
//
// The three programs share this header. For a program of your own you need `load` and `warm_up`. A
// `Model` is of the runtime that the program is built for: libtorch reads .pt, or .aoti, which is
// compiled from .pt2; onnxruntime reads .onnx.

#pragma once

#ifdef WITH_ONNXRUNTIME
#include "onnxruntime_model.h"
#elif defined(WITH_AOTINDUCTOR)
#include "aotinductor_model.h"
#else
#include "torch_model.h"
#endif

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace exports {

using Json = nlohmann::json;
namespace fs = std::filesystem;

// The command line is wrong: exit code 2. Any other exception: exit code 1.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Run a program's body and return its exit code; if it failed, write one line to stderr.
inline int run(const std::string& program, const std::function<void()>& body) {
  try {
    body();
    if (!std::cout.flush()) throw Error("cannot write to the standard output");
    return 0;
  } catch (const UsageError& error) {
    std::cerr << program << ": " << error.what() << "\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << program << ": " << one_line(error) << "\n";
    return 1;
  }
}

// Parse `text` as a whole number from `low` to `high`.
inline std::int64_t to_integer(
    std::string_view text, const std::string& what, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    throw UsageError(what + " must be a whole number from " + std::to_string(low) + " to " +
                     std::to_string(high) + ", not '" + std::string(text) + "'");
  }
  return value;
}

inline std::string read_file(const fs::path& path) {
  if (fs::is_directory(path)) throw Error(path.string() + " is a directory, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("cannot open " + path.string() + "; is the path right?");
  std::string data{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) throw Error("cannot read " + path.string());
  return data;
}

inline std::string sha256(const std::string& data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw Error("OpenSSL cannot compute SHA-256");
  }
  std::string hex;
  for (unsigned int k = 0; k < size; ++k) {
    hex += "0123456789abcdef"[digest[k] >> 4];
    hex += "0123456789abcdef"[digest[k] & 15];
  }
  return hex;
}

// manifest.json: file name -> entry.
inline Json read_manifest(const fs::path& path) {
  Json manifest = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object()) throw Error(path.string() + " is damaged: it is not a JSON object");
  return manifest;
}

// The entry of the file that `entry` was made from; `entry` itself if it was not made from another.
inline Json source_of(const fs::path& path, const Json& entry, const Json& manifest) {
  if (!entry.contains("made_from")) return entry;
  for (const auto& other : manifest) {
    if (other.is_object() && other.value("sha256", Json()) == entry["made_from"]) return other;
  }
  throw Error(path.string() +
              " was made from another file than the manifest lists now; make it again");
}

// Throw an Error unless `data`, the content of `path`, has the SHA-256 in the manifest, and was
// made from a file that is listed too.
inline void check_sha256(const Json& manifest, const fs::path& path, const std::string& data) {
  std::string name = path.filename().string();
  if (!manifest.contains(name) || !manifest[name].is_object()) {
    throw Error((path.parent_path() / "manifest.json").string() + " does not list " + name);
  }
  if (manifest[name].value("sha256", Json()) != sha256(data)) {
    throw Error(path.string() +
                " is damaged or was altered: its SHA-256 differs from the manifest's");
  }
  source_of(path, manifest[name], manifest);
}

// Load a model on the CPU; its hash is checked if manifest.json is beside it. The check matters:
// TorchScript is executable code, and neither runtime notices a damaged weight.
inline Model load(const fs::path& path) {
  std::string data = read_file(path);
  fs::path manifest_path = path.parent_path() / "manifest.json";
  bool has_manifest = fs::exists(manifest_path);
  if (has_manifest) check_sha256(read_manifest(manifest_path), path, data);
  if (std::string ending = path.extension().string();
      ending != Model::ending && (ending == ".pt" || ending == ".pt2" || ending == ".onnx" ||
                                  ending == ".aoti")) {
    throw Error(path.string() + ": this program was built for " + Model::ending + " files");
  }
  try {
    Model model(path, data);
    if (!has_manifest) {
      std::cerr << "Note: there is no manifest.json beside " << path.string()
                << "; its SHA-256 was not checked.\n";
    }
    return model;
  } catch (const std::exception& error) {
    throw Error(path.string() + " is not an intact " + Model::kind + " file: " + one_line(error));
  }
}

// The model's output for one array. Throws an Error if the model does not accept it; `what`
// describes the input in that message, e.g. "digits".
inline Array call(Model& model, const Array& input, const std::string& what) {
  try {
    return model(input);
  } catch (const std::exception& error) {
    throw Error("the model does not accept " + what + ": " + one_line(error));
  }
}

// Make the first two calls of a model, which compile it in libtorch and are slow.
inline void warm_up(Model& model, const Array& example, const std::string& what) {
  for (int k = 0; k < 2; ++k) call(model, example, what);
}

}  // namespace exports
