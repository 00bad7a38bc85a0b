// Runs a fuzz target without a fuzzer: with each seed of a directory as it is, cut short everywhere, and changed at
// places that are always the same. So every build with sanitizers tries the hostile inputs, and what a fuzzer has once
// found and left in the corpus is never found again.
//   replay_NAME DIRECTORY
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t most_cuts = 64;
constexpr int changes = 200;

void run(const std::string& input) {
  // A copy of the exact size, so that a read past the end is detected.
  const std::string exact(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(exact.data()), exact.size());
}

void run_changed(const std::string& seed) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed.size()));
  for (int i = 0; i < changes; ++i) {
    std::string input = seed;
    for (unsigned edits = 1 + random() % 4; edits > 0 && !input.empty(); --edits) {
      const std::size_t at = random() % input.size();
      switch (random() % 4) {
        case 0:
          input[at] = static_cast<char>(random());
          break;
        case 1:
          input.erase(at, 1 + random() % 8);
          break;
        case 2:
          input.insert(at, input.substr(at, random() % 32));
          break;
        default:
          input.insert(at, 1, "\0\n:{}[]\"'$%/.\xff-"[random() % 16]);
          break;
      }
    }
    run(input);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::size_t seeds = 0;
  run("");
  if (std::filesystem::is_directory(argv[1])) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string seed{std::istreambuf_iterator<char>(file), {}};
      ++seeds;
      run(seed);
      const std::size_t step = seed.size() / most_cuts + 1;
      for (std::size_t length = 0; length < seed.size(); length += step) run(seed.substr(0, length));
      run_changed(seed);
    }
  }
  std::printf("%zu seeds\n", seeds);
  return 0;
}
