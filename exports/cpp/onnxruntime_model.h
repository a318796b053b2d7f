// An .onnx file in onnxruntime.

#pragma once

#include "array.h"

#include <onnxruntime_cxx_api.h>

#include <iostream>

namespace exports {

// The message of an error in one line.
inline std::string one_line(const std::exception& error) {
  std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

class Model {
 public:
  static constexpr auto ending = ".onnx", kind = "ONNX";

  Model(const std::filesystem::path&, const std::string& data) : session_(open(data)) {
    Ort::AllocatorWithDefaultOptions allocator;
    if (session_.GetInputCount() != 1 || session_.GetOutputCount() != 1) {
      throw Error("it does not have one input and one output");
    }
    input_.name = session_.GetInputNameAllocated(0, allocator).get();
    output_ = session_.GetOutputNameAllocated(0, allocator).get();
    auto type = session_.GetInputTypeInfo(0);  // owns what it describes
    input_.shape = type.GetTensorTypeAndShapeInfo().GetShape();
  }

  Array operator()(const Array& input) {
    input_.check(input);
    auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    auto wrap = [&]<typename T>(const std::vector<T>& values) {
      return Ort::Value::CreateTensor<T>(memory, const_cast<T*>(values.data()), values.size(),
                                         input.shape.data(), input.shape.size());
    };
    Ort::Value given = input.digits.empty() ? wrap(input.values) : wrap(input.digits);
    const char *from = input_.name.c_str(), *to = output_.c_str();
    auto outputs = session_.Run(Ort::RunOptions{}, &from, &given, 1, &to, 1);
    auto shape = outputs[0].GetTensorTypeAndShapeInfo().GetShape();
    const float* start = outputs[0].GetTensorData<float>();
    return {shape, {start, start + count(shape)}};
  }

  std::optional<std::int64_t> latent_dim() const { return input_.latent_dim(); }

  // ONNX files have no second method.
  std::vector<Array> trace(const Array&) { return {}; }

 private:
  // Debian's onnxruntime knows each operator twice and says so in a thousand lines when it opens its
  // first file, so std::cerr is off meanwhile. Errors are thrown; they need not be printed as well.
  static Ort::Session open(const std::string& data) {
    struct Silence {
      std::streambuf* buffer = std::cerr.rdbuf(nullptr);
      ~Silence() { std::cerr.rdbuf(buffer); }
    } silence;
    static Ort::Env environment(ORT_LOGGING_LEVEL_FATAL);
    return {environment, data.data(), data.size(), Ort::SessionOptions{}};
  }

  Ort::Session session_;
  Input input_;
  std::string output_;
};

}  // namespace exports
