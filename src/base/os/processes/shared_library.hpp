// A library that is loaded when it is first needed, because most commands never need it.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort {

class SharedLibrary {
 public:
  // The first of these names that the dynamic loader finds. It stays loaded until the program ends.
  static Result<SharedLibrary> load(const std::vector<std::string>& names);

  // Functions of C, by name. The type is the caller's word.
  template <typename Function>
  void find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(symbol(name));
  }
  // Code::unsupported if one of the names asked for is not there.
  Result<> complete() const;

 private:
  SharedLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  void* symbol(const char* name);

  void* handle_;
  std::string name_;
  std::string missing_;  // the first
};

}  // namespace consort
