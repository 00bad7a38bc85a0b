#include "base/os/processes/shared_library.hpp"

#include <dlfcn.h>

namespace consort {

Result<SharedLibrary> SharedLibrary::load(const std::vector<std::string>& names) {
  std::string why;
  for (const std::string& name : names) {
    if (void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return SharedLibrary(handle, name);
    if (why.empty()) why = ::dlerror();  // the error for the preferred name
  }
  return fail(Error(Code::unsupported, "load library").why(std::move(why)));
}

void* SharedLibrary::symbol(const char* name) {
  void* found = ::dlsym(handle_, name);
  if (!found && missing_.empty()) missing_ = name;
  return found;
}

Result<> SharedLibrary::complete() const {
  if (missing_.empty()) return {};
  return fail(Error(Code::unsupported, "load library").on(name_).why("it lacks " + missing_));
}

}  // namespace consort
