// What started this program as a service, if anything did, and waits to be told that it is ready (sd_notify(3)).
#pragma once

#include <string_view>

namespace consort {

// "READY=1". Does nothing without NOTIFY_SOCKET; whoever does not hear it is none of our business.
void tell_service_manager(std::string_view state);

}  // namespace consort
