// A service or hook being checked: the positions of its attributes, and the prefix of error messages about it. The
// consistency checks are built on this.
#pragma once

#include <string>
#include <string_view>

#include "compose/passes/finish.hpp"

namespace consort::compose {

inline constexpr const char* invalid_project = ": invalid compose project";

class CheckedService {
 public:
  // hook: the index of a pre_start hook; "": the service itself.
  CheckedService(const Project& project, Reporter& reporter, std::string name, std::string hook = {})
      : project_(project), reporter_(reporter), name_(std::move(name)), hook_(std::move(hook)) {}

 protected:
  // Null if there is nothing. Jobs are found among the services.
  const Node* node_at(const Strings& path) const;
  // For a path below the service.
  Place at(Strings path) const;
  Diagnostic& error(std::string_view code, std::string message, Strings path);
  // Whether the section has a misspelled name or is not a mapping: then every reference to it would be reported.
  bool section_spoilt(std::string_view section) const;
  std::string quoted() const { return "service \"" + name_ + "\""; }
  std::string dotted() const { return "services." + name_; }

  const Project& project_;
  Reporter& reporter_;
  std::string name_;
  std::string hook_;
};

// consistency_references.cpp: everything that the service refers to must exist.
void check_contexts(const CheckedService& of, const Service& service);
void check_networks(const CheckedService& of, const Service& service);
void check_dependencies(const CheckedService& of, const Service& service);
void check_volumes(const CheckedService& of, const Service& service);
void check_files(const CheckedService& of, const Service& service);
// consistency_values.cpp: its values must not contradict each other.
void check_image(const CheckedService& of, const Service& service);
void check_platforms(const CheckedService& of, const Service& service);
void check_health(const CheckedService& of, const Service& service);
void check_numbers(const CheckedService& of, const Service& service);

}  // namespace consort::compose
