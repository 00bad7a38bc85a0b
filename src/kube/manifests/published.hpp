// What `x-consort: {kubernetes: {publish: ..., ...}}` says of a service's ports, for what makes objects of it.
#pragma once

#include <string>
#include <string_view>

#include "kube/manifests/parts.hpp"

namespace consort::kube {

// The service's own word, else the file's; one text or a list of them, without empty ones.
compose::Strings settings_of(const Scope& scope, const compose::Service& file, std::string_view key);
std::string setting_of(const Scope& scope, const compose::Service& file, std::string_view key);
// At the setting, wherever it was made, and once for all services that have it from the file.
void refuse_setting(const Scope& scope, const project::DesiredService& service, std::string_view key,
                    const std::string& message, const std::string& help);
void warn_of_setting(const Scope& scope, const project::DesiredService& service, std::string_view key,
                     const std::string& message, const std::string& help);

Json service_port(const project::DesiredPort& port, const compose::Port& of_file);
// A second Service, as the one of that name has no address of its own.
void add_open_service(const Scope& scope, const project::DesiredService& service, const char* type, Json ports);

// fronts.cpp
bool is_front(std::string_view kind);
void refuse_same_fronts(const Scope& scope);
void add_front(const Scope& scope, const compose::Service& file, const project::DesiredService& service,
               const std::string& kind);

}  // namespace consort::kube
