// A service that is being looked at, or a hook of it: where things of it stand, and how an error about it begins. The
// checks of consistency are made of these.
#pragma once

#include <string>
#include <string_view>

#include "compose/passes/finish.hpp"

namespace consort::compose {

inline constexpr const char* invalid_project = ": invalid compose project";

class CheckedService {
 public:
  // hook: the index of its pre_start hook; "": the service itself.
  CheckedService(const Project& project, Reporter& reporter, std::string name, std::string hook = {})
      : project_(project), reporter_(reporter), name_(std::move(name)), hook_(std::move(hook)) {}

 protected:
  // Null: nothing is there. Jobs are among the services.
  const Node* node_at(const Strings& path) const;
  // Of a path below the service.
  Place at(Strings path) const;
  Diagnostic& error(std::string_view code, std::string message, Strings path);
  // Whether the section is there under a misspelled name, or is not a mapping: then all references would be wrong.
  bool section_spoilt(std::string_view section) const;
  std::string quoted() const { return "service \"" + name_ + "\""; }
  std::string dotted() const { return "services." + name_; }

  const Project& project_;
  Reporter& reporter_;
  std::string name_;
  std::string hook_;
};

// consistency_references.cpp: what it names must be there.
void check_contexts(const CheckedService& of, const Service& service);
void check_networks(const CheckedService& of, const Service& service);
void check_dependencies(const CheckedService& of, const Service& service);
void check_volumes(const CheckedService& of, const Service& service);
void check_files(const CheckedService& of, const Service& service);
// consistency_values.cpp: what it says must not contradict itself.
void check_image(const CheckedService& of, const Service& service);
void check_platforms(const CheckedService& of, const Service& service);
void check_health(const CheckedService& of, const Service& service);
void check_numbers(const CheckedService& of, const Service& service);

}  // namespace consort::compose
