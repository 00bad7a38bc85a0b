// Determines the possible completions of an unfinished command line. A pure function of its words; the caller looks up
// the names of services, images and so on.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args/flags.hpp"

namespace consort::cli {

enum class Wanted : std::uint8_t {
  nothing,
  words,  // exactly those in `candidates`
  files,
  directories,
  services,
  services_or_containers,  // containers if no service matches
  service_counts,          // SERVICE=NUMBER
  services_to_run,         // or jobs; images if there is no file
  service_paths,           // SERVICE:PATH, CONTAINER:PATH if no service matches, or a file
  profiles,
  images,
  containers,
  objects,  // containers, images, networks and volumes
  jobs,
  networks,
  own_networks,  // without networks that cannot be removed
  volumes,
  projects,
};

struct Candidate {
  std::string word;
  std::string says;  // a one-line description, or ""
};

struct Completing {
  Wanted wanted = Wanted::nothing;
  std::vector<Candidate> candidates;  // whole words, including the part before a "="; in addition to `wanted`
  std::string before;                 // prefix of each looked-up name: "--profile=", or ""
  std::string partial;                // the part of the name already typed
  ParsedFlags globals;                // global flags that are complete, which select file and project
};

// words: the words after the program's name, up to the cursor; the last one is incomplete and may be "".
Completing completing(std::span<const std::string> words);

// Those that have values of their own for some flag.
std::vector<std::string_view> commands_with_own_values();

}  // namespace consort::cli
