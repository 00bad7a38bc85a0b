// The graph of stages: which there are, what each starts from, and what each needs. Pure: reads and fetches nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/build.hpp"
#include "build/dockerfile/commands.hpp"
#include "build/plan/checks.hpp"
#include "build/plan/environment.hpp"
#include "image/platform.hpp"

namespace consort::build {

inline constexpr std::string_view layout_scheme = "oci-layout://";

// A stage of the Dockerfile, or an image or directory that a COPY or mount names directly.
struct Node {
  enum class Base : std::uint8_t { scratch, image, stage, directory } base = Base::scratch;
  std::string title;                        // in "[title 2/5]"; empty if the Dockerfile has only one stage
  std::string name;                         // from AS, or the image
  std::string image;                        // for base image: the expanded reference, or oci-layout://...
  std::size_t parent = 0;                   // for base stage
  std::string directory;                    // for base directory: its path; a named context
  std::optional<image::Platform> platform;  // of FROM --platform, or of the parent stage
  bool implicit = false;                    // not a stage of the Dockerfile
  Range range;                              // of FROM, or of the instruction that refers to it
  std::string original;                     // of FROM
  std::vector<Step> steps;
  // For each step, the nodes it reads. COPY: none or one. RUN: one entry per --mount, nullopt for the context or
  // nothing.
  std::vector<std::vector<std::optional<std::size_t>>> sources;
  bool reachable = false;
};

struct Graph {
  std::vector<Node> nodes;
  std::size_t target = 0;
  Variables global_args;     // platform arguments and ARGs before the first FROM
  image::Platform platform;  // the target platform
  enum class Platforms : std::uint8_t { one, several } platforms = Platforms::one;  // several: shown in titles
  std::string file;                                                                 // the Dockerfile's name
};

Result<Graph> make_graph(const Dockerfile& dockerfile, BuildFile file, const BuildRequest& request,
                         const image::Platform& platform, Checks& checks);
// Inserts the ONBUILD triggers of a node's base before its own steps. May make more nodes reachable.
Result<> prepend_triggers(Graph& graph, std::size_t node, const std::vector<std::string>& triggers,
                          const BuildRequest& request);

}  // namespace consort::build
