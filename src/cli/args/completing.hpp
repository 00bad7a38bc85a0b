// What may stand at the cursor of an unfinished command line. A pure function of its words; names of services, profiles
// and images are for the caller to look up.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args/flags.hpp"

namespace consort::cli {

enum class Wanted : std::uint8_t {
  nothing,
  words,  // exactly those of `candidates`
  files,
  directories,
  services,
  services_or_containers,  // containers where no service fits
  service_counts,          // SERVICE=NUMBER
  services_to_run,         // or jobs; without a file, images
  service_paths,           // SERVICE:PATH, CONTAINER:PATH where no service fits, or a file
  profiles,
  images,
  containers,
  objects,  // containers, images, networks and volumes
  jobs,
  networks,
  own_networks,  // without those that cannot be removed
  volumes,
  projects,
};

struct Candidate {
  std::string word;
  std::string says;  // one line for people, or ""
};

struct Completing {
  Wanted wanted = Wanted::nothing;
  std::vector<Candidate> candidates;  // whole words, including the part before a "="; in addition to `wanted`
  std::string before;                 // what each looked-up name is put behind: "--profile=", or ""
  std::string partial;                // what was typed of the name itself
  ParsedFlags globals;                // those that were typed completely: which file, which project
};

// words: what follows the program's name, up to the cursor; the last one is what is being typed, perhaps "".
Completing completing(std::span<const std::string> words);

// Those that have values of their own for some flag.
std::vector<std::string_view> commands_with_own_values();

}  // namespace consort::cli
