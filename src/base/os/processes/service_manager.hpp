// Notifies the service manager, if this program runs as a service, of its state (sd_notify(3)).
#pragma once

#include <string_view>

namespace consort {

// "READY=1". Does nothing without NOTIFY_SOCKET; failing to deliver the message is not an error.
void tell_service_manager(std::string_view state);

}  // namespace consort
