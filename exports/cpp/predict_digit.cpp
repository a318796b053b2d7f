// Predict the next digit: predict_digit lstm.pt 1 2 3 4 5 4 3 2 [--trace], or lstm.onnx

#include "exports.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <vector>

constexpr auto USAGE = "usage: predict_digit MODEL DIGIT [DIGIT ...] [--trace]";

// Print gates and states, averaged over the hidden units: one row per digit.
void print_trace(exports::Model& model, const exports::Array& digits) {
  auto gates = model.trace(digits);
  if (gates.empty()) throw exports::Error("this model has no trace; only lstm.pt has one");
  std::cout << "mean over the hidden units after each digit:\n"
            << "digit         i         f         o         g         c         h\n";
  for (std::size_t t = 0; t < digits.digits.size(); ++t) {
    std::cout << std::setw(5) << digits.digits[t];
    for (const auto& gate : gates) {  // (1, length, hidden_size)
      auto start = gate.values.begin() + static_cast<std::ptrdiff_t>(t) * gate.shape[2];
      double sum = std::accumulate(start, start + gate.shape[2], 0.0);
      std::cout << std::setw(10) << sum / static_cast<double>(gate.shape[2]);
    }
    std::cout << "\n";
  }
}

// The probabilities of ten logits.
std::vector<double> softmax(const std::vector<float>& logits) {
  double largest = *std::max_element(logits.begin(), logits.end()), sum = 0;
  std::vector<double> result;
  for (auto logit : logits) sum += result.emplace_back(std::exp(logit - largest));
  for (auto& probability : result) probability /= sum;
  return result;
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

  exports::Array digits{{1, static_cast<std::int64_t>(values.size())}, {}, values};
  exports::Model model = exports::load(words[0]);
  exports::warm_up(model, digits, "digits");
  exports::Array logits = exports::call(model, digits, "digits");
  if (logits.shape != exports::Shape{1, 10}) {
    throw exports::Error("the model does not return ten logits");
  }
  auto probabilities = softmax(logits.values);

  for (auto value : values) std::cout << value << " ";
  auto best = std::max_element(probabilities.begin(), probabilities.end());
  std::cout << "-> " << best - probabilities.begin() << "\n" << std::fixed << std::setprecision(6);
  for (std::size_t digit = 0; digit < 10; ++digit) {
    std::cout << digit << "  " << probabilities[digit] << "\n";
  }
  if (with_trace) print_trace(model, digits);
}

int main(int argc, char** argv) {
  return exports::run("predict_digit", [&] { predict({argv + 1, argv + argc}); });
}
