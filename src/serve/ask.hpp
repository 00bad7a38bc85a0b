// Docker's API without a server: a request is answered in this process. For commands whose input or output is exactly
// that of `docker`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/roots.hpp"

namespace consort::serve {

struct Question {
  std::string_view method = "GET";
  std::string target;     // "/containers/web/json?size=1", percent-encoded
  std::string body = {};  // JSON; "": none
};

class Service;  // serve/api/service.hpp

class Api {
 public:
  explicit Api(const Roots& roots);
  ~Api();
  // Returns the body of the answer. If the API refuses, the error has its message: Code::not_found for 404, and so on.
  // Containers with --rm are watched and removed as long as this object lives.
  Result<std::string> ask(const Question& question);

 private:
  std::unique_ptr<Service> service_;
};

}  // namespace consort::serve
