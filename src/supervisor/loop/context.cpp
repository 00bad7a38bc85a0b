#include "supervisor/loop/context.hpp"

#include <unistd.h>

#include "base/time.hpp"

namespace consort::supervisor {

Result<HostLink*> Context::host_link() {
  if (!host_link_) host_link_ = TRY(HostLink::open());
  return &*host_link_;
}

Result<PortPublisher*> Context::publisher() {
  if (!publisher_) publisher_ = TRY(PortPublisher::create(loop));
  return publisher_.get();
}

HostSockets Context::host_sockets() const {
  if (!place) return {};
  return [this](int family, int type, const void* name, std::size_t size) {
    return place.open_socket(family, type, name, static_cast<socklen_t>(size));
  };
}

void log_line(const std::string& text) {
  (void)write_full(STDERR_FILENO, format_rfc3339(system_now()) + " " + text + "\n");
}

}  // namespace consort::supervisor
