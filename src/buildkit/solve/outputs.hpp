// What becomes of a build's image: names in the store, an archive or files for the client.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "buildkit/session/session.hpp"
#include "buildkit/solve/progress.hpp"
#include "engine/builds.hpp"

namespace consort::buildkit {

struct Outputs {
  std::vector<std::string> names;                              // for the image
  std::vector<std::pair<std::size_t, wire::Exporter>> others;  // to be given to the client, by their numbers
  bool keep_image = false;                                     // it is wanted here, also if it has no name
};

// Code::unsupported: an output that this engine has not.
Result<Outputs> read_outputs(const std::vector<wire::Exporter>& exporters);

// Code::unsupported if the client takes no files.
// number: of the exporter among the request's, by which the client knows where it goes.
Result<> send_output(engine::Engine& engine, Session& session, const wire::Exporter& exporter, std::size_t number,
                     const std::string& image_id, ProgressFeed& feed, const std::stop_token& cancel);

}  // namespace consort::buildkit
