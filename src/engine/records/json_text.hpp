// Converts the engine's values to and from the JSON kept in state.db. A field with its default value is omitted, so a
// new field needs no migration; unknown fields are ignored, so an older program can read what a newer one wrote.
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

// Code::internal, naming `source`, if we did not write the text.
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
