// Reads the settings for a service's ports in `x-consort: {kubernetes: {publish: ..., ...}}`.
#pragma once

#include <string>
#include <string_view>

#include "kube/manifests/parts.hpp"

namespace consort::kube {

// The service's setting, else the file's: one text or a list of them, without empty ones.
compose::Strings settings_of(const Scope& scope, const compose::Service& file, std::string_view key);
std::string setting_of(const Scope& scope, const compose::Service& file, std::string_view key);
// Reports at the setting, wherever it is, and once for all services that inherit it from the file.
void refuse_setting(const Scope& scope, const project::DesiredService& service, std::string_view key,
                    const std::string& message, const std::string& help);
void warn_of_setting(const Scope& scope, const project::DesiredService& service, std::string_view key,
                     const std::string& message, const std::string& help);

Json service_port(const project::DesiredPort& port, const compose::Port& of_file);
// Adds a second Service, since the one with the service's name has no cluster IP.
void add_open_service(const Scope& scope, const project::DesiredService& service, const char* type, Json ports);

// fronts.cpp
bool is_front(std::string_view kind);
void refuse_same_fronts(const Scope& scope);
void add_front(const Scope& scope, const compose::Service& file, const project::DesiredService& service,
               const std::string& kind);

}  // namespace consort::kube
