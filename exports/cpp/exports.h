// Load the exports in C++: verified against manifest.json, warmed up, every error in one line.
//
// The three programs share this header. For a program of your own you need `load` and `warm_up`.

#pragma once

#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/script.h>

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
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace exports {

using Json = nlohmann::json;
namespace fs = std::filesystem;

// The command line is wrong: exit code 2. Any other exception: exit code 1.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

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

// Throw an Error unless `data`, the content of `path`, has the SHA-256 in the manifest.
inline void check_sha256(
    const fs::path& manifest_path, const fs::path& path, const std::string& data) {
  std::string name = path.filename().string();
  Json manifest = read_manifest(manifest_path);
  if (!manifest.contains(name) || !manifest[name].is_object()) {
    throw Error(manifest_path.string() + " does not list " + name);
  }
  if (manifest[name].value("sha256", Json()) != sha256(data)) {
    throw Error(path.string() +
                " is damaged or was altered: its SHA-256 differs from the manifest's");
  }
}

// The model's output for one tensor. Throws an Error if the model does not accept it, or does not
// return a tensor; `what` describes the input in that message, e.g. "digits".
inline at::Tensor call(
    torch::jit::Module& model, const at::Tensor& input, const std::string& what) {
  torch::NoGradGuard no_grad;
  c10::IValue output;
  try {
    output = model.forward({input});
  } catch (const std::exception& error) {
    throw Error("the model does not accept " + what + ": " + one_line(error));
  }
  if (!output.isTensor()) {
    throw Error("the model accepts " + what + ", but does not return a tensor");
  }
  return output.toTensor();
}

// Load a model on the CPU, in eval mode; its hash is checked if manifest.json is beside it. The
// check matters: TorchScript is executable code, and torch does not notice a damaged weight.
inline torch::jit::Module load(const fs::path& path) {
  std::string data = read_file(path);
  fs::path manifest_path = path.parent_path() / "manifest.json";
  bool has_manifest = fs::exists(manifest_path);
  if (has_manifest) check_sha256(manifest_path, path, data);
  torch::jit::Module model;
  try {
    std::istringstream stream(std::move(data));
    model = torch::jit::load(stream, at::kCPU);
    model.eval();
  } catch (const std::exception& error) {
    throw Error(path.string() + " is not an intact TorchScript file: " + one_line(error));
  }
  if (!has_manifest) {
    std::cerr << "Note: there is no manifest.json beside " << path.string()
              << "; its SHA-256 was not checked.\n";
  }
  return model;
}

// Make the first two calls of a model, which compile it and are slow; later calls are fast.
inline void warm_up(
    torch::jit::Module& model, const at::Tensor& example, const std::string& what) {
  for (int k = 0; k < 2; ++k) call(model, example, what);
}

}  // namespace exports
