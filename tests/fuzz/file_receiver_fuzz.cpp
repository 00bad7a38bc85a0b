// Packets of a client that sends files. Each is a byte for its length, then so many. Nothing may appear outside the
// directory.
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "buildkit/session/file_receiver.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string base = "/tmp/file-receiver-XXXXXX";
  if (::mkdtemp(base.data()) == nullptr) return 0;
  (void)make_directories(base + "/root");
  auto root = open_file(base + "/root", O_RDONLY | O_DIRECTORY);
  if (!root) return 0;
  {
    buildkit::FileReceiver receiver(std::move(*root), [](std::string_view) -> Result<> { return {}; },
                                    {.entries = 50, .name_bytes = 4096, .bytes = 65536});
    while (size > 0) {
      const std::size_t length = std::min<std::size_t>(data[0], size - 1);
      if (!receiver.take({reinterpret_cast<const char*>(data + 1), length})) break;
      data += 1 + length;
      size -= 1 + length;
    }
  }
  const auto there = list_directory(base);
  if (!there || there->size() != 1) std::abort();
  (void)remove_tree(base);
  return 0;
}
