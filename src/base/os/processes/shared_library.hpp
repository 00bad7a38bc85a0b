// A shared library that is loaded on first use, because most commands never need it.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort {

class SharedLibrary {
 public:
  // Loads the first of these names that the dynamic loader finds. It stays loaded until the program ends.
  static Result<SharedLibrary> load(const std::vector<std::string>& names);

  // Looks up a C function by name. The caller must supply the correct type.
  template <typename Function>
  void find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(symbol(name));
  }
  // Code::unsupported if any of the functions looked up is missing.
  Result<> complete() const;

 private:
  SharedLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  void* symbol(const char* name);

  void* handle_;
  std::string name_;
  std::string missing_;  // the first missing function
};

}  // namespace consort
