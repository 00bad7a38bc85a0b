// The engine's values as the texts that state.db keeps. A field that has its default value is left out, so that a new
// field needs no migration; an unknown one is ignored, so that an older program reads what a newer one wrote.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "engine/types.hpp"

namespace consort::engine {

std::string to_json(const ContainerSpec& spec);
std::string to_json(const ProcessConfig& process);
std::string to_json(const Container& container);  // without its state and the addresses of its endpoints
std::string to_json(const EndpointSpec& endpoint);
std::string to_json(const NetworkSpec& spec);
std::string to_json(const VolumeSpec& spec);
std::string to_json(const StringMap& map);

// Code::internal with `source` for a text that is not of ours.
template <typename T>
Result<T> from_json(std::string_view text, const char* source);
extern template Result<ContainerSpec> from_json(std::string_view, const char*);
extern template Result<ProcessConfig> from_json(std::string_view, const char*);
extern template Result<Container> from_json(std::string_view, const char*);
extern template Result<EndpointSpec> from_json(std::string_view, const char*);
extern template Result<NetworkSpec> from_json(std::string_view, const char*);
extern template Result<VolumeSpec> from_json(std::string_view, const char*);
extern template Result<StringMap> from_json(std::string_view, const char*);

}  // namespace consort::engine
