#include "serve/api/service.hpp"

#include "base/version.hpp"

namespace consort::serve {

Service::Service(Roots roots, ServerOptions options)
    : roots_(std::move(roots)),
      options_(std::move(options)),
      server_name_("Consort/" + std::string(version) + " (linux)"),
      reaper_(roots_) {}

}  // namespace consort::serve
