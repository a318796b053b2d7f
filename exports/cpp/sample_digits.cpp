// Write a sheet of generated digits, five per row, or an interpolation strip:
//   sample_digits generator.pt --count 25 --seed 7 --out digits.png
//   sample_digits generator.pt --from-seed 1 --to-seed 2 --frames 9 --out strip.png

#include "exports.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numbers>
#include <random>
#include <vector>

#ifdef HAVE_STB
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb_image_write.h>
#endif

constexpr auto USAGE =
    "usage: sample_digits GENERATOR --out FILE.png [--count 25] [--seed 0], or with --from-seed "
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

// Standard normal noise, float32 (count, latent_dim), which torch.randn in Python gives for the same
// seed: uniform numbers of the Mersenne Twister with 24 bits, of which each sixteen become eight
// pairs of normal ones by the method of Box and Muller (1958). Where the number of all values is no
// multiple of sixteen, the last sixteen are drawn again; torch draws fewer than sixteen otherwise.
exports::Array sample_latents(std::int64_t count, std::int64_t latent_dim, std::int64_t seed) {
  exports::Array z{{count, latent_dim}, {}};
  std::size_t size = exports::count(z.shape);
  if (size < 16) throw exports::Error("a z of fewer than 16 numbers is not supported");
  std::mt19937 random(static_cast<std::uint32_t>(seed));
  auto uniform = [&] { return static_cast<float>(random() & 0xffffff) / 0x1p24f; };
  auto to_normal = [](float* u) {
    for (int k = 0; k < 8; ++k) {
      float radius = std::sqrt(-2 * std::log(1 - u[k]));
      float angle = 2 * std::numbers::pi_v<float> * u[k + 8];
      u[k] = radius * std::cos(angle);
      u[k + 8] = radius * std::sin(angle);
    }
  };
  z.values.resize(size);
  std::generate(z.values.begin(), z.values.end(), uniform);
  for (std::size_t k = 0; k + 16 <= size; k += 16) to_normal(&z.values[k]);
  if (size % 16 != 0) {
    std::generate(z.values.end() - 16, z.values.end(), uniform);
    to_normal(&z.values[size - 16]);
  }
  return z;
}

// A grey picture with one byte per pixel.
struct Picture {
  std::int64_t height, width;
  std::vector<std::uint8_t> pixels;
};

// Arrange images (n, 1, 28, 28) in 0..1 in rows of `columns`, framed in grey, each pixel three
// times as large.
Picture sheet(const exports::Array& images, std::int64_t columns) {
  std::int64_t n = images.shape[0], rows = (n + columns - 1) / columns;
  Picture picture{rows * 90, columns * 90, {}};
  for (std::int64_t y = 0; y < picture.height; ++y) {
    for (std::int64_t x = 0; x < picture.width; ++x) {
      std::int64_t image = y / 90 * columns + x / 90, row = y % 90 / 3 - 1, column = x % 90 / 3 - 1;
      bool inside = row >= 0 && row < 28 && column >= 0 && column < 28;
      float ink = 0;
      if (image < n) ink = inside ? images.values[(image * 28 + row) * 28 + column] : 0.25f;
      picture.pixels.push_back(
          static_cast<std::uint8_t>(std::clamp(std::nearbyint(ink * 255), 0.0f, 255.0f)));
    }
  }
  return picture;
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

void save(const std::string& path, const Picture& picture) {
  auto height = static_cast<int>(picture.height), width = static_cast<int>(picture.width);
  auto* pixels = reinterpret_cast<const char*>(picture.pixels.data());
  std::string data;
  if (has_ending(path, ".pgm")) {
    data = "P5\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
    data.append(pixels, picture.pixels.size());
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

  exports::Model model = exports::load(options["model"]);
  auto latent_dim = model.latent_dim();
  if (!latent_dim) throw exports::Error("the model is not a generator: it has no latent_dim");
  exports::Array z;
  if (strip) {
    auto from = sample_latents(1, *latent_dim, from_seed);
    auto to = sample_latents(1, *latent_dim, to_seed);
    z.shape = {frames, *latent_dim};
    for (std::int64_t k = 0; k < frames; ++k) {
      float weight = static_cast<float>(k) / static_cast<float>(frames - 1);
      for (std::size_t j = 0; j < from.values.size(); ++j) {
        z.values.push_back(std::lerp(from.values[j], to.values[j], weight));
      }
    }
  } else {
    z = sample_latents(count, *latent_dim, seed);
  }
  exports::Array images = exports::call(model, z, "noise");
  if (images.shape != exports::Shape{z.shape[0], 1, 28, 28}) {
    throw exports::Error("the model does not return images of 28 x 28");
  }
  save(options["--out"], sheet(images, strip ? frames : 5));
}

int main(int argc, char** argv) {
  return exports::run("sample_digits", [&] { sample({argv + 1, argv + argc}); });
}
