// Outputs of a build: names in the store, or an archive or files for the client.
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
  std::vector<std::string> names;                              // names of the image
  std::vector<std::pair<std::size_t, wire::Exporter>> others;  // for the client, with their index in the request
  bool keep_image = false;                                     // keep the image even if it has no name
};

// Code::unsupported: an output that this engine does not support.
Result<Outputs> read_outputs(const std::vector<wire::Exporter>& exporters);

// number: the exporter's index in the request, by which the client knows its destination. Code::unsupported if the
// client does not accept files.
Result<> send_output(engine::Engine& engine, Session& session, const wire::Exporter& exporter, std::size_t number,
                     const std::string& image_id, ProgressFeed& feed, const std::stop_token& cancel);

}  // namespace consort::buildkit
