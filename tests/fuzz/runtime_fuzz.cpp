// The runtime's parsers of untrusted bytes; the first byte selects one.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/cgroup/cgroup_hierarchy.hpp"
#include "runtime/inspect.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec/mount_options.hpp"
#include "runtime/user.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consort::runtime;
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t middle = text.find('\x01');
  const std::string_view first = text.substr(0, middle);
  const std::string_view second = middle == std::string_view::npos ? "" : text.substr(middle + 1);
  switch (data[0] % 8) {
    case 0:
      (void)parse_spec(text, "fuzz");
      break;
    case 1:
      (void)resolve_user_in(first, second, "alice:staff", {"audio"});
      break;
    case 2:
      (void)resolve_user_in(first, second, std::string(first.substr(0, 32)));
      break;
    case 3:
      (void)parse_listening(text);
      break;
    case 4:
      (void)internal::parse_hierarchies(text);
      break;
    case 5:
      (void)resolve_seccomp_profile(text, "fuzz", 0xffff);
      break;
    case 6:
      (void)parse_process_text(text, "fuzz");
      break;
    case 7:
      (void)parse_resources_text(text, "fuzz");
      break;
  }
  return 0;
}
