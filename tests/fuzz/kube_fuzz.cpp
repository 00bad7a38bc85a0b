// Data from a cluster: frames of its WebSockets, in pieces of any size; pods, statuses, and answers of credential
// plugins; answers of its DNS server.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "kube/channels.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/pods.hpp"
#include "kube/wait/answer.hpp"

using namespace consort::kube;  // NOLINT: one file, one purpose

namespace {

// The split into pieces must not change the result.
std::string read_all(std::string_view bytes, std::size_t piece) {
  std::string seen;
  FrameReader reader;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const auto frame = reader.next();
      if (!frame) return seen + "!";
      if (!*frame) break;
      seen += std::to_string(static_cast<int>((*frame)->kind)) + (*frame)->payload + "\n";
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string whole = read_all(text, size + 1);
  if (read_all(text, 1) != whole || read_all(text, 7) != whole) std::abort();
  if (const auto pod = pod_state(text)) (void)trouble_of(*pod);
  (void)exit_code_of(text);
  (void)has_address_record(data, size);
  (void)parse_plugin_answer(text, "plugin");
  return 0;
}
