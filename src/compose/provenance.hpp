// Records where each value comes from: `config --why services.web.environment.DB_HOST`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compose/compose.hpp"
#include "compose/passes/interpolate.hpp"
#include "compose/passes/merge.hpp"

namespace consort::compose {

// Listens to the merge and records replaced values, by dotted path, oldest first.
class Provenance : public MergeListener {
 public:
  void overridden(const std::string& path, const Node& before, const Node& after) override;

  // The history of every value in the final tree.
  std::map<std::string, std::vector<ProvenanceStep>> steps(const Node& tree, const Sources& sources,
                                                           const std::vector<VariableSighting>& sightings,
                                                           const LoadOptions& options) const;

 private:
  struct Replaced {
    std::string value;
    Place place;
  };
  std::map<std::string, std::vector<Replaced>> replaced_;
};

// The value, or "***" if it could be a secret: names with PASSWORD, SECRET, TOKEN, KEY and the like.
std::string masked(const std::string& path, const std::string& value);

}  // namespace consort::compose
