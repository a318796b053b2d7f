// An .onnx file in onnxruntime.

#pragma once

#include "array.h"

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <iostream>
#include <optional>

namespace exports {

// The message of an error in one line.
inline std::string one_line(const std::exception& error) {
  std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

class Model {
 public:
  static constexpr auto ending = ".onnx", kind = "ONNX";

  explicit Model(const std::string& data) : session_(open(data)) {
    Ort::AllocatorWithDefaultOptions allocator;
    if (session_.GetInputCount() != 1 || session_.GetOutputCount() != 1) {
      throw Error("it does not have one input and one output");
    }
    input_ = session_.GetInputNameAllocated(0, allocator).get();
    output_ = session_.GetOutputNameAllocated(0, allocator).get();
    auto type = session_.GetInputTypeInfo(0);  // owns what it describes
    shape_ = type.GetTensorTypeAndShapeInfo().GetShape();
  }

  Array operator()(const Array& input) {
    check(input);
    auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    auto wrap = [&]<typename T>(const std::vector<T>& values) {
      return Ort::Value::CreateTensor<T>(memory, const_cast<T*>(values.data()), values.size(),
                                         input.shape.data(), input.shape.size());
    };
    Ort::Value given = input.digits.empty() ? wrap(input.values) : wrap(input.digits);
    const char *from = input_.c_str(), *to = output_.c_str();
    auto outputs = session_.Run(Ort::RunOptions{}, &from, &given, 1, &to, 1);
    auto shape = outputs[0].GetTensorTypeAndShapeInfo().GetShape();
    const float* start = outputs[0].GetTensorData<float>();
    return {shape, {start, start + count(shape)}};
  }

  // The size of z; none if this is not a generator.
  std::optional<std::int64_t> latent_dim() const {
    if (input_ != "z" || shape_.size() != 2) return {};
    return shape_[1];
  }

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

  // Throw an Error unless this is what the model takes; an ONNX graph cannot say it in words.
  void check(const Array& input) const {
    bool wants_digits = input_ == "digits";
    bool fits = input.shape.size() == shape_.size() && wants_digits != input.digits.empty();
    for (std::size_t k = 1; fits && k < shape_.size(); ++k) {  // below 0: any size
      fits = shape_[k] < 0 ? input.shape[k] > 0 : input.shape[k] == shape_[k];
    }
    if (!fits) {
      std::string wanted;
      for (auto size : shape_) {
        wanted += (wanted.empty() ? "" : ", ") + (size < 0 ? "any" : std::to_string(size));
      }
      throw Error(input_ + " must be " + (wants_digits ? "int64" : "float32") + " of shape (" +
                  wanted + "); got " + (input.digits.empty() ? "float32" : "int64") +
                  " of shape [" + to_string(input.shape) + "]");
    }
    if (std::any_of(input.digits.begin(), input.digits.end(),
                    [](auto digit) { return digit < 0 || digit > 9; })) {
      throw Error("digits must lie between 0 and 9");
    }
  }

  Ort::Session session_;
  std::string input_, output_;
  Shape shape_;
};

}  // namespace exports
