// Which stages there are, what each begins with, and what each needs. Pure: nothing is read or fetched.
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
  std::string title;                        // in "[title 2/5]"; empty if the Dockerfile has one stage only
  std::string name;                         // of AS, or the image
  std::string image;                        // base image: the reference as expanded, or oci-layout://...
  std::size_t parent = 0;                   // base stage
  std::string directory;                    // base directory: where; a named context
  std::optional<image::Platform> platform;  // of FROM --platform, or of the stage it begins with
  bool implicit = false;                    // not a stage of the Dockerfile
  Range range;                              // of FROM, or of the instruction that names it
  std::string original;                     // of FROM
  std::vector<Step> steps;
  // Per step: the nodes it reads. COPY: none or one. RUN: one entry per --mount, nullopt for the context or nothing.
  std::vector<std::vector<std::optional<std::size_t>>> sources;
  bool reachable = false;
};

struct Graph {
  std::vector<Node> nodes;
  std::size_t target = 0;
  Variables global_args;     // platform arguments and those before the first FROM
  image::Platform platform;  // that is built for
  enum class Platforms : std::uint8_t { one, several } platforms = Platforms::one;  // several: titles say which
  std::string file;                                                                 // the Dockerfile's name
};

Result<Graph> make_graph(const Dockerfile& dockerfile, BuildFile file, const BuildRequest& request,
                         const image::Platform& platform, Checks& checks);
// ONBUILD triggers of its base go before a node's own steps. May make more nodes reachable.
Result<> prepend_triggers(Graph& graph, std::size_t node, const std::vector<std::string>& triggers,
                          const BuildRequest& request);

}  // namespace consort::build
