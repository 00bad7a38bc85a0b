// Messages of the control socket: any accepted message must print to one that reads back the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "supervisor/container/record.hpp"
#include "supervisor/protocol.hpp"

using namespace consort::supervisor;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto same = [](const std::string& once, const std::string& twice) {
    if (once != twice) __builtin_trap();
  };
  switch (data[0] % 5) {
    case 0:
      if (const auto request = request_from_json(text)) {
        const std::string once = request_to_json(*request);
        same(once, request_to_json(request_from_json(once).value()));
      }
      break;
    case 1:
      if (const auto reply = reply_from_json(text)) {
        const std::string once = reply_to_json(*reply);
        same(once, reply_to_json(reply_from_json(once).value()));
      }
      break;
    case 2:
      if (const auto event = event_from_json(text)) {
        const std::string once = event_to_json(*event);
        same(once, event_to_json(event_from_json(once).value()));
      }
      break;
    case 3:
      (void)resize_from_json(text);
      break;
    case 4:
      if (const auto record = record_from_json(text, "fuzz")) {
        const std::string once = record_to_json(*record);
        same(once, record_to_json(record_from_json(once, "fuzz").value()));
      }
      break;
  }
  return 0;
}
