// Predict the next digit: predict_digit lstm.pt 1 2 3 4 5 4 3 2 [--trace]

#include "exports.h"

#include <iomanip>
#include <vector>

constexpr auto USAGE = "usage: predict_digit MODEL.pt DIGIT [DIGIT ...] [--trace]";

// Print gates and states, averaged over the hidden units: one row per digit.
void print_trace(torch::jit::Module& model, const at::Tensor& digits) {
  torch::NoGradGuard no_grad;
  auto trace = model.find_method("trace");
  if (!trace) throw exports::Error("this model has no trace; only the LSTM has one");
  auto gates = (*trace)({digits}).toTuple()->elements();
  std::cout << "mean over the hidden units after each digit:\n"
            << "digit         i         f         o         g         c         h\n";
  for (std::int64_t t = 0; t < digits.size(1); ++t) {
    std::cout << std::setw(5) << digits[0][t].item<std::int64_t>();
    for (const auto& gate : gates) {
      std::cout << std::setw(10) << gate.toTensor()[0][t].mean().item<float>();
    }
    std::cout << "\n";
  }
}

void predict(const std::vector<std::string>& arguments) {
  bool with_trace = false;
  std::vector<std::string> words;
  for (const auto& argument : arguments) {
    if (argument == "--trace") {
      with_trace = true;
    } else {
      words.push_back(argument);
    }
  }
  if (words.empty()) throw exports::UsageError(USAGE);
  if (words.size() == 1) throw exports::UsageError(std::string("no digits; ") + USAGE);
  std::vector<std::int64_t> values;
  for (std::size_t k = 1; k < words.size(); ++k) {
    values.push_back(exports::to_integer(words[k], "a digit", 0, 9));
  }

  at::Tensor digits = torch::tensor(values, at::kLong).unsqueeze(0);  // (1, length)
  torch::jit::Module model = exports::load(words[0]);
  exports::warm_up(model, digits, "digits");
  at::Tensor logits = exports::call(model, digits, "digits");
  if (logits.sizes() != at::IntArrayRef({1, 10})) {
    throw exports::Error("the model does not return ten logits");
  }
  at::Tensor probabilities = logits.softmax(1)[0];

  for (auto value : values) std::cout << value << " ";
  std::cout << "-> " << probabilities.argmax().item<std::int64_t>() << "\n"
            << std::fixed << std::setprecision(6);
  for (std::int64_t digit = 0; digit < 10; ++digit) {
    std::cout << digit << "  " << probabilities[digit].item<float>() << "\n";
  }
  if (with_trace) print_trace(model, digits);
}

int main(int argc, char** argv) {
  return exports::run("predict_digit", [&] { predict({argv + 1, argv + argc}); });
}
