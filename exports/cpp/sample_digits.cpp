// Write a sheet of generated digits, five per row, or an interpolation strip:
//   sample_digits generator.pt --count 25 --seed 7 --out digits.png
//   sample_digits generator.pt --from-seed 1 --to-seed 2 --frames 9 --out strip.png

#include "exports.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <vector>

#ifdef HAVE_STB
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb_image_write.h>
#endif

constexpr auto USAGE =
    "usage: sample_digits GENERATOR.pt --out FILE.png [--count 25] [--seed 0], or with --from-seed "
    "A --to-seed B [--frames 9] in place of the last two";

using Options = std::map<std::string, std::string>;

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t k = 0; k < arguments.size(); ++k) {
    std::string name = arguments[k];
    if (name.rfind("--", 0) != 0) {
      if (!options.emplace("model", name).second) throw exports::UsageError(USAGE);
      continue;
    }
    static const std::array known = {"--count",   "--seed",   "--out",
                                     "--from-seed", "--to-seed", "--frames"};
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw exports::UsageError("there is no option " + name + "; " + USAGE);
    }
    if (++k == arguments.size()) throw exports::UsageError(name + " needs a value");
    options[name] = arguments[k];
  }
  if (!options.contains("model") || !options.contains("--out")) throw exports::UsageError(USAGE);
  bool strip = options.contains("--from-seed");
  if (strip != options.contains("--to-seed") || (!strip && options.contains("--frames")) ||
      (strip && (options.contains("--count") || options.contains("--seed")))) {
    throw exports::UsageError(USAGE);
  }
  return options;
}

// The value of an option, from `low` to `high`, or `default_value` if it was not given.
std::int64_t number(const Options& options, const std::string& name, std::int64_t default_value,
                    std::int64_t low, std::int64_t high) {
  auto found = options.find(name);
  if (found == options.end()) return default_value;
  return exports::to_integer(found->second, name, low, high);
}

// Standard normal noise, float32 (count, latent_dim); torch in Python gives the same for this seed.
at::Tensor sample_latents(std::int64_t count, std::int64_t latent_dim, std::int64_t seed) {
  auto rng = at::detail::createCPUGenerator(static_cast<std::uint64_t>(seed));
  return torch::randn({count, latent_dim}, rng, at::kFloat);
}

// Arrange images (n, 1, 28, 28) in 0..1 in rows of `columns`, framed in grey, each pixel three
// times as large: uint8 (height, width).
at::Tensor sheet(const at::Tensor& images, std::int64_t columns) {
  std::int64_t rows = (images.size(0) + columns - 1) / columns;
  at::Tensor framed = at::constant_pad_nd(images, {1, 1, 1, 1}, 0.25);
  framed = at::constant_pad_nd(framed, {0, 0, 0, 0, 0, 0, 0, rows * columns - images.size(0)});
  at::Tensor grid = framed.reshape({rows, columns, 30, 30}).transpose(1, 2);
  grid = grid.reshape({rows * 30, columns * 30}).repeat_interleave(3, 0).repeat_interleave(3, 1);
  return grid.mul(255).round().clamp(0, 255).to(at::kByte).contiguous();
}

bool has_ending(const std::string& path, const std::string& ending) {
  return exports::fs::path(path).extension() == ending;
}

void check_ending(const std::string& path) {
#ifndef HAVE_STB
  if (has_ending(path, ".png")) {
    throw exports::UsageError("this program was built without stb, so it writes .pgm, not .png");
  }
#endif
  if (!has_ending(path, ".png") && !has_ending(path, ".pgm")) {
    throw exports::UsageError("--out must end in .png or .pgm, not '" + path + "'");
  }
}

void save(const std::string& path, const at::Tensor& picture) {
  auto height = static_cast<int>(picture.size(0)), width = static_cast<int>(picture.size(1));
  auto* pixels = reinterpret_cast<const char*>(picture.const_data_ptr<std::uint8_t>());
  std::string data;
  if (has_ending(path, ".pgm")) {
    data = "P5\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
    data.append(pixels, picture.numel());
  }
#ifdef HAVE_STB
  else {
    auto append = [](void* to, void* bytes, int size) {
      static_cast<std::string*>(to)->append(static_cast<char*>(bytes), size);
    };
    if (!stbi_write_png_to_func(append, &data, width, height, 1, pixels, width)) {
      throw exports::Error("out of memory while making the PNG");
    }
  }
#endif
  std::ofstream file(path, std::ios::binary);
  if (!file.write(data.data(), static_cast<std::streamsize>(data.size())).flush()) {
    throw exports::Error("cannot write " + path + ": " + std::strerror(errno));
  }
}

void sample(const std::vector<std::string>& arguments) {
  Options options = parse(arguments);
  constexpr auto last_seed = std::numeric_limits<std::int64_t>::max();
  std::int64_t count = number(options, "--count", 25, 1, 10'000);
  std::int64_t seed = number(options, "--seed", 0, 0, last_seed);
  std::int64_t from_seed = number(options, "--from-seed", 0, 0, last_seed);
  std::int64_t to_seed = number(options, "--to-seed", 0, 0, last_seed);
  std::int64_t frames = number(options, "--frames", 9, 2, 100);
  bool strip = options.contains("--from-seed");
  check_ending(options["--out"]);

  torch::jit::Module model = exports::load(options["model"]);
  if (!model.hasattr("latent_dim") || !model.attr("latent_dim").isInt()) {
    throw exports::Error("the model is not a generator: it has no latent_dim");
  }
  std::int64_t latent_dim = model.attr("latent_dim").toInt();
  at::Tensor z;
  if (strip) {
    at::Tensor weights = torch::linspace(0, 1, frames).unsqueeze(1);
    z = at::lerp(sample_latents(1, latent_dim, from_seed), sample_latents(1, latent_dim, to_seed),
                 weights);
  } else {
    z = sample_latents(count, latent_dim, seed);
  }
  at::Tensor images = exports::call(model, z, "noise");
  if (images.sizes() != at::IntArrayRef({z.size(0), 1, 28, 28})) {
    throw exports::Error("the model does not return images of 28 x 28");
  }
  save(options["--out"], sheet(images, strip ? frames : 5));
}

int main(int argc, char** argv) {
  return exports::run("sample_digits", [&] { sample({argv + 1, argv + argc}); });
}
